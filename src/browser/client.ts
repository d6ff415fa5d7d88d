import type { Channel, Delivery, Pending, ProblemCode, ResendState } from '../outcomes.js'

/** A code went out, or may have gone out: `unconfirmed`. */
export type OtpSent = ({ status: 'sent' } | { status: 'unconfirmed' }) &
  Pending & {
    /** The resend had to become a new code. */
    newCode?: true
    /** Only with `binding: 'token'`. The client keeps it and shows it again. */
    flow?: string
  }

/** Why the server said no. `status` is the problem's `code`. */
export interface OtpRefused {
  status: ProblemCode | 'sign_in_refused'
  title: string
  /** For the person, in English. */
  detail: string
  /** Seconds after which another try makes sense. */
  retryAfter?: number
  attemptsRemaining?: number
  fields?: { name: string; code: string; detail: string }[]
}

/** No answer came, or one that is none of this package's. Whether the server did it is not known. */
export interface OtpUnreachable {
  status: 'unreachable'
  cause: unknown
}

/** The person is signed in. `Body` is what the app's option `body` adds. */
export type OtpVerified<Body> = { status: 'verified'; returnTo?: string } & Body

/** What the status route says. */
export type OtpStatus =
  | { status: 'none' }
  | ({ status: 'pending'; delivery: Delivery } & Pending)
  | ({ status: 'unconfirmed'; delivery: Delivery } & Pending)
  | { status: 'ended'; why: 'expired' | 'attempts'; to: string; resend: ResendState }

/** The bodies of this package's answers. */
interface Answer {
  status?: unknown
  flow?: string
  type?: string
  code?: string
}

type Failed = OtpRefused | OtpUnreachable

/** The routes, as functions. */
export interface OtpClient {
  send(body: {
    number: string
    country?: string
    via?: Channel
    language?: string
  }): Promise<OtpSent | Failed>
  resend(body?: { via?: Channel }): Promise<OtpSent | Failed>
  /** `Body` is what the app's option `body` adds to a sign-in. */
  check<Body extends object = object>(body: { code: string }): Promise<OtpVerified<Body> | Failed>
  status(): Promise<OtpStatus | Failed>
  cancel(): Promise<{ status: 'cancelled' } | Failed>
}

/** Options of `createOtpClient`. */
export interface OtpClientOptions {
  /** Where the router is mounted, like `/login` or `https://login.example.com/login`. */
  baseUrl: string
  /** Headers for each request, such as a token of the app's. */
  headers?: Record<string, string>
  /** @default `fetch` */
  fetch?: typeof fetch
}

/**
 * A client for single-page apps. Nothing is thrown: what comes of a request is an outcome, that no
 * answer came as well.
 */
export function createOtpClient({
  baseUrl,
  headers,
  fetch = globalThis.fetch,
}: OtpClientOptions): OtpClient {
  let flow: string | undefined

  async function ask<Outcome>(route: string, body?: object): Promise<Outcome | Failed> {
    try {
      const answer = await fetch(`${baseUrl.replace(/\/$/, '')}/${route}`, {
        method: body ? 'POST' : 'GET',
        // The handle's cookie also goes to an API on another origin.
        credentials: 'include',
        headers: {
          accept: 'application/json',
          ...(body && { 'content-type': 'application/json' }),
          ...(flow && { authorization: `Otp ${flow}` }),
          ...headers,
        },
        ...(body && { body: JSON.stringify(body) }),
      })
      if (answer.status === 204) return { status: 'cancelled' } as Outcome
      const json = (await answer.json()) as Answer
      if (json.flow) flow = json.flow
      if (answer.ok && json.status) return json as Outcome
      const { code, type: _type, ...problem } = json
      if (code) return { ...problem, status: code } as OtpRefused
      return { status: 'unreachable', cause: answer }
    } catch (cause) {
      return { status: 'unreachable', cause }
    }
  }

  return {
    send: (body) => ask('send', body),
    resend: (body = {}) => ask('resend', body),
    check: (body) => ask('check', body),
    status: () => ask('status'),
    cancel: () => ask('cancel', {}),
  }
}
