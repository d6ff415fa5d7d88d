import { OtpError } from '../errors.js'
import { atMost } from '../flow/waiting.js'
import type { HttpOptions } from '../options/options.js'
import { createProblem, ProblemError } from './problem.js'

/** `Context` is what a handler of the framework gets. */
export interface CsrfOptions<Context extends unknown[]> {
  /**
   * Asks the app whether the token of its own is right, for every POST that is not from another site
   * anyway, and before it costs anything. Without `true` the request is refused as `cross_site`.
   * What it throws is told to the operator too, and that it gave no answer within 3 s.
   *
   * @default none: `Sec-Fetch-Site`, `Origin` and `Referer` decide
   */
  csrf?: ((...context: Context) => boolean | Promise<boolean>) | undefined
}

/** Asks the app about one request. */
export type AskCsrf = () => unknown

/** @throws {OtpError} `ERR_OTP_OPTIONS` */
export function requireCsrf(csrf: unknown): void {
  if (csrf === undefined || typeof csrf === 'function') return
  throw new OtpError(
    'ERR_OTP_OPTIONS',
    '"csrf" must be a function that says whether the token of a request is right',
  )
}

/** Seconds that the app may take to look at its token. */
const patience = 3

/** @throws {ProblemError} `cross_site` unless the app says that its token is right */
export async function checkCsrf(options: HttpOptions, ask: AskCsrf | undefined): Promise<void> {
  if (!ask) return
  let cause: OtpError | string = 'The option "csrf" gave something else than true'
  try {
    const answer = await atMost(
      patience,
      (async () => ask())().then((given: unknown) => ({ given })),
    )
    if (answer?.given === true) return
    if (!answer) {
      cause = new OtpError('ERR_OTP_MISUSE', `"csrf" gave no answer within ${patience} s`)
    }
  } catch (error) {
    // Its message may hold the token.
    const name = error instanceof Error ? error.name : typeof error
    cause = new OtpError('ERR_OTP_MISUSE', `The option "csrf" threw ${name}: it has to give false`)
  }
  throw new ProblemError(createProblem(options, { status: 'cross_site' }), { cause })
}
