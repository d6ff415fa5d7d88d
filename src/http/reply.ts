import type { Problem } from './problem.js'

/** Who answers instead. */
export type Left = 'answered' | 'next'

/** An answer, for an adapter to copy. */
export interface Reply {
  status: number
  headers: Record<string, string>
  /** Added to what the app has there. */
  vary: string
  /** `Set-Cookie` lines, added to those of the app. */
  cookies: string[]
  body: string | undefined
  /** What the body says, where it is one. */
  problem?: Problem
  /** Only the cookies are to be copied: the app has answered itself, or its next handler will. */
  left?: Left | undefined
}

const always = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
}

/** What the answer to a POST depends on. */
const looked = 'Origin, Sec-Fetch-Site, Accept'

export function jsonReply(status: number, body: object | undefined, vary = looked): Reply {
  return {
    status,
    headers: { ...always, ...(body && { 'Content-Type': 'application/json; charset=utf-8' }) },
    vary,
    cookies: [],
    body: body && JSON.stringify(body),
  }
}

export function problemReply(problem: Problem, vary = looked): Reply {
  return {
    status: problem.status,
    headers: {
      ...always,
      ...problemHeaders(problem),
      'Content-Type': 'application/problem+json; charset=utf-8',
    },
    vary,
    cookies: [],
    body: JSON.stringify(problem),
    problem,
  }
}

/** The headers that belong to a problem however its body is written. */
export function problemHeaders({ status, retryAfter }: Problem): Record<string, string> {
  return {
    ...(retryAfter !== undefined && { 'Retry-After': String(retryAfter) }),
    // RFC 9110 wants one with each 401. The scheme is ours, so no browser asks for a password.
    ...(status === 401 && { 'WWW-Authenticate': 'Otp' }),
    ...(status === 405 && { Allow: 'POST' }),
  }
}

/** 303, so that reloading the page that follows never posts a code again. */
export function redirectReply(location: string): Reply {
  return {
    status: 303,
    headers: { ...always, Location: location },
    vary: looked,
    cookies: [],
    body: undefined,
  }
}

/** Nothing but cookies. */
export function leftReply(left: Left): Reply {
  return { status: 200, headers: {}, vary: '', cookies: [], body: undefined, left }
}
