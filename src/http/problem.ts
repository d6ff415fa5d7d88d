import type { OtpError } from '../errors.js'
import type { FieldNames, HttpOptions } from '../options/options.js'
import type { ProblemCode } from '../outcomes.js'

/** Why a request was refused, as RFC 9457 has it. `code` is what programs look at. */
export interface Problem {
  type: string
  title: string
  status: number
  /** For the person. */
  detail: string
  /** The same, where Passport's `failureMessage` and `failureFlash` look for it. It is not in the JSON. */
  message?: string
  code: ProblemCode
  /** Seconds after which another try makes sense. */
  retryAfter?: number
  /** Only with `revealAttempts: true`. */
  attemptsRemaining?: number
  /** The fields of the body that are to blame. */
  fields?: ProblemField[]
}

/** A field of the body that is to blame. */
export interface ProblemField {
  name: string
  code: ProblemCode
  detail: string
}

interface Kind {
  status: number
  title: string
  detail: string
  field?: keyof FieldNames
  /** Another try makes sense after a while. The number is used when the outcome has none. */
  waits?: number
}

/** A code without a status and words does not compile. */
const kinds = {
  bad_request: {
    status: 400,
    title: 'Bad request',
    detail: 'The request could not be understood.',
  },
  number_required: {
    status: 400,
    title: 'Number required',
    detail: 'Enter your phone number.',
    field: 'number',
  },
  code_required: {
    status: 400,
    title: 'Code required',
    detail: 'Enter the code that was sent to you.',
    field: 'code',
  },
  malformed_code: {
    status: 400,
    title: 'Not a code',
    detail: 'This is not a code. Enter it as it was sent to you.',
    field: 'code',
  },
  invalid_number: {
    status: 400,
    title: 'Invalid number',
    detail: 'This is not a phone number. Enter it with its country code, like +49 or +1.',
    field: 'number',
  },
  number_not_allowed: {
    status: 403,
    title: 'Number not allowed',
    detail: 'This number cannot be used here.',
    field: 'number',
  },
  channel_not_allowed: {
    status: 400,
    title: 'Channel not allowed',
    detail: 'The code cannot be sent this way.',
    field: 'via',
  },
  cross_site: {
    status: 403,
    title: 'Request from another site',
    detail: 'Another site sent this request. Open the sign-in page and try again.',
  },
  challenge_required: {
    status: 403,
    title: 'Challenge required',
    detail: 'Show that you are not a program, then try again.',
    field: 'challenge',
  },
  invalid_code: {
    status: 401,
    title: 'Wrong code',
    detail: 'The code is not right. Check it and try again.',
    field: 'code',
  },
  no_pending_code: {
    status: 409,
    title: 'No code to check',
    detail: 'There is no code to check in this browser. Ask for a new one.',
  },
  sign_in_refused: {
    status: 403,
    title: 'Sign-in refused',
    detail: 'You cannot sign in with this number here.',
  },
  check_in_progress: {
    status: 409,
    title: 'Check in progress',
    detail: 'Another code is being checked right now. Try again in a moment.',
    waits: 1,
  },
  code_expired: {
    status: 410,
    title: 'Code expired',
    detail: 'The code has run out. Ask for a new one.',
  },
  too_many_attempts: {
    status: 410,
    title: 'Too many attempts',
    detail: 'The code was entered wrongly too often. Ask for a new one.',
  },
  resend_too_soon: {
    status: 429,
    title: 'Too soon',
    detail: 'Wait a little before asking for another code.',
    waits: 5,
  },
  rate_limited: {
    status: 429,
    title: 'Too many requests',
    detail: 'There were too many tries. Wait a while, then try again.',
    waits: 5,
  },
  service_unavailable: {
    status: 503,
    title: 'Service unavailable',
    detail: 'This does not work at the moment. Try again soon.',
    waits: 5,
  },
} satisfies Record<ProblemCode, Kind>

/** What helps more than the words of the code. */
const hints = {
  write_plus:
    'This can be read as two numbers. Enter it with + and its country code, like +49 or +1.',
}

/** What of an outcome a problem shows. */
export interface Refusal {
  status: ProblemCode
  retryAfter?: number | undefined
  attemptsRemaining?: number | undefined
  hint?: keyof typeof hints | undefined
}

interface Particulars {
  /** HTTP status, where it is not the code's own. */
  status?: number
  /** The field to blame, by its name in the body. */
  field?: string
  /** The app's own words. */
  detail?: string
}

const made = new WeakSet<object>()

export function createProblem(
  { fields, revealAttempts }: Pick<HttpOptions, 'fields' | 'revealAttempts'>,
  { status: code, retryAfter, attemptsRemaining, hint }: Refusal,
  particulars: Particulars = {},
): Problem {
  const kind: Kind = kinds[code]
  const field = particulars.field ?? (kind.field && fields[kind.field])
  const wait = kind.waits && Math.max(1, Math.ceil(retryAfter ?? kind.waits))
  const detail = particulars.detail ?? (hint ? hints[hint] : kind.detail)
  const problem: Problem = {
    // Not about:blank: that would make each title the name of its HTTP status.
    type: `urn:problem-type:tyntec-otp:${code}`,
    title: kind.title,
    status: particulars.status ?? kind.status,
    detail,
    code,
    ...(wait && { retryAfter: wait }),
    ...(revealAttempts && attemptsRemaining !== undefined && { attemptsRemaining }),
    ...(field !== undefined && { fields: [{ name: field, code, detail }] }),
  }
  Object.defineProperty(problem, 'message', { value: detail, configurable: true, writable: true })
  made.add(problem)
  return problem
}

/** Whether this package made it: what an app's own verify function gives can look like anything. */
export function isProblem(value: unknown): value is Problem {
  return typeof value === 'object' && value !== null && made.has(value)
}

export function isProblemCode(value: unknown): value is ProblemCode {
  return typeof value === 'string' && Object.hasOwn(kinds, value)
}

/** Longer words of the app's own are cut: a problem is an answer, not a page. */
const longestDetail = 500

/** The app has refused the person whose number is proven. `message`: in its own words. */
export function createAppRefusal(options: HttpOptions, message: string | undefined): Problem {
  return createProblem(options, { status: 'sign_in_refused' }, message ? { detail: message } : {})
}

/** What the app gave as its words, if that is a text. */
export function textOf(message: unknown): string | undefined {
  return typeof message === 'string' ? message.slice(0, longestDetail) : undefined
}

/** What a problem says beyond its code: the app's own words, or which advice goes with it. */
export function particularsOf({ code, detail }: Problem): {
  detail?: string
  hint?: keyof typeof hints
} {
  if (detail === kinds[code].detail) return {}
  return detail === hints.write_plus ? { hint: 'write_plus' } : { detail }
}

/** Carries a problem through code that only knows errors. */
export class ProblemError extends Error {
  readonly problem: Problem
  /** Read by the default error handlers of Express and Koa. */
  readonly status: number
  /** The person may read the message. */
  readonly expose = true

  /**
   * `cause`: what the operator has to mend, where it is not the person's fault, or as a text what he may want to
   * look at.
   */
  constructor(problem: Problem, options?: { cause: OtpError | string }) {
    super(problem.detail, options)
    this.name = 'ProblemError'
    this.problem = problem
    this.status = problem.status
  }
}
