import type { OtpFlow } from '../flow/index.js'
import type { Cookies } from './cookies.js'
import { createProblem, isProblemCode, particularsOf, type Problem } from './problem.js'

/** Long enough for the page that a redirect leads to. */
const lifetime = 60

/** Longer than any spelling of a number. */
const longestNumber = 64

/** What a form post leaves for the page that follows. */
export interface Kept {
  outcome?: Problem
  /** As the person typed it, where it was refused. */
  number?: string
  /** The code was sent again. */
  notice?: 'resent'
}

interface Sealed extends ReturnType<typeof particularsOf> {
  number?: string
}

/**
 * Keeps the outcome of a form post. In a cookie of its own, so that it costs neither a session nor a
 * round trip: it says nothing that the browser was not told anyway. The number is sealed all the
 * same, since cookies are seen by more than the browser.
 */
export function keepOutcome(
  flow: OtpFlow,
  cookies: Cookies,
  problem: Problem,
  number: string | undefined,
): void {
  const { sealer } = flow
  const { code, retryAfter = '', attemptsRemaining = '' } = problem
  const sealed: Sealed = particularsOf(problem)
  if (number && number.length <= longestNumber) sealed.number = number
  const more = Object.keys(sealed).length > 0 ? `.${sealer.seal(JSON.stringify(sealed))}` : ''
  cookies.set('outcome', `${code}.${retryAfter}.${attemptsRemaining}${more}`, lifetime)
}

export function keepNotice(cookies: Cookies, notice: 'resent'): void {
  cookies.set('outcome', notice, lifetime)
}

/** What is kept, or nothing when the cookie holds anything that was not written here. */
export function readKept(flow: OtpFlow, cookies: Cookies): Kept {
  // Named in the body: what is internal must not stand in the package's types.
  const { options, sealer } = flow
  const text = cookies.read('outcome') ?? ''
  if (text === 'resent') return { notice: text }
  const [, code, retryAfter, attempts, sealed = ''] =
    /^([a-z_]{1,30})\.([0-9]{0,7})\.([0-9]{0,2})(?:\.([\w-]{1,4000}))?$/.exec(text) ?? []
  if (!isProblemCode(code)) return {}
  const { number, detail, hint } = readSealed(sealer.unseal(sealed))
  const refusal = {
    status: code,
    retryAfter: retryAfter ? Number(retryAfter) : undefined,
    attemptsRemaining: attempts ? Number(attempts) : undefined,
    hint,
  }
  return {
    outcome: createProblem(options, refusal, detail === undefined ? {} : { detail }),
    ...(number !== undefined && { number }),
  }
}

/** Only we seal, so it is what `keepOutcome` wrote. */
function readSealed(text: string | undefined): Sealed {
  return text === undefined ? {} : (JSON.parse(text) as Sealed)
}
