import type { HttpOptions } from '../options/options.js'
import type { Cookies } from './cookies.js'
import { createProblem, isProblemCode, type Problem } from './problem.js'

/** Long enough for the page that a redirect leads to. */
const lifetime = 60

/**
 * Keeps the outcome of a form post for the page that follows. In a cookie of its own, so that it
 * costs neither a session nor a round trip: it says nothing that the browser was not told anyway.
 */
export function keepOutcome(cookies: Cookies, problem: Problem): void {
  const { code, retryAfter = '', attemptsRemaining = '' } = problem
  cookies.set('outcome', `${code}.${retryAfter}.${attemptsRemaining}`, lifetime)
}

/** The kept outcome, or nothing when the cookie holds anything that was not written here. */
export function keptOutcome(options: HttpOptions, cookies: Cookies): Problem | undefined {
  const [, code, retryAfter, attempts] =
    /^([a-z_]{1,30})\.([0-9]{0,7})\.([0-9]{0,2})$/.exec(cookies.read('outcome') ?? '') ?? []
  if (!isProblemCode(code)) return undefined
  return createProblem(options, {
    status: code,
    retryAfter: retryAfter ? Number(retryAfter) : undefined,
    attemptsRemaining: attempts ? Number(attempts) : undefined,
  })
}
