import CustomStrategy from 'passport-custom'
import { OtpError } from '../errors.js'
import type { OtpFlow } from '../flow/index.js'
import { requireCsrf } from '../http/csrf.js'
import { requireFlow } from '../http/options.js'
import { shown } from '../options/values.js'
import type { Actions, Settings } from './actions.js'
import { attempt } from './attempt.js'
import type { PassportRequest } from './request.js'
import { createVerdicts } from './verdicts.js'
import { createAskApp, type Verify, type VerifyWithRequest } from './verify.js'

/** Options of `Strategy`. */
export interface StrategyOptions {
  /**
   * Gives the verify function Express' request, or Koa's context, before the identity.
   *
   * @default false
   */
  passReqToCallback?: boolean | undefined
  /**
   * Asks the app whether the token of its own is right, before a code is checked. Gets Express'
   * request, or Koa's context. Without `true` the request is refused as `cross_site`; what it throws
   * is told to the operator too.
   *
   * @default none: `Sec-Fetch-Site`, `Origin` and `Referer` decide
   */
  // A method, so that it may say which framework's it takes.
  csrf?(context: object): boolean | Promise<boolean>
}

const custom: unknown = CustomStrategy
// Its types name the strategy 'custom', and need those of Express wherever ours are used.
const Base = custom as new (
  options: { passOptionsToCallback: true },
  verify: (this: object, req: object, options?: object) => void,
) => { authenticate(req: object, options?: object): void }

/**
 * Signs people in with the code that was sent to their phone. Its name is `tyntec-otp`; it reads the
 * body of a `POST`, and never the query.
 *
 * `passport.authenticate` also takes `purpose`, for a proof of something else than a login.
 *
 * @example
 * passport.use(new Strategy(flow, async ({ number }) => users.findOrCreate(number)))
 * app.post('/login/check', passport.authenticate('tyntec-otp', { successRedirect: '/' }))
 */
export class Strategy extends Base {
  readonly name = 'tyntec-otp'

  /**
   * @throws {OtpError} `ERR_OTP_OPTIONS`, also without a flow or a verify function
   */
  constructor(flow: OtpFlow, verify: Verify)
  constructor(
    flow: OtpFlow,
    options: StrategyOptions & { passReqToCallback?: false | undefined },
    verify: Verify,
  )
  constructor(
    flow: OtpFlow,
    options: StrategyOptions & { passReqToCallback: true },
    verify: VerifyWithRequest,
  )
  constructor(flow: OtpFlow, ...rest: readonly unknown[]) {
    const settings = resolveStrategy(flow, rest)
    super({ passOptionsToCallback: true }, function (req, options) {
      // Read before anything is awaited: on an instance that is shared, as with
      // passport.authenticate(strategy), the next request overwrites them.
      const { success, fail, redirect, error } = this as Actions // Passport has put them there
      const actions: Actions = { success, fail, redirect, error }
      const request = req as PassportRequest // what it is made of
      attempt(settings, request, options ?? {}, actions)
    })
  }
}

const optionNames = ['passReqToCallback', 'csrf'] satisfies (keyof StrategyOptions)[]

function resolveStrategy(flow: OtpFlow, rest: readonly unknown[]): Settings {
  requireFlow('Strategy', flow)
  const [options, verify] = typeof rest[0] === 'function' ? [{}, rest[0]] : rest
  if (typeof options !== 'object' || options === null || typeof verify !== 'function') {
    throw new OtpError(
      'ERR_OTP_OPTIONS',
      'Strategy needs a verify function: new Strategy(flow, verify), or new Strategy(flow, options, verify)',
    )
  }
  const misplaced = typeof rest[0] === 'function' && rest[1] !== undefined
  if (misplaced) {
    throw new OtpError('ERR_OTP_OPTIONS', 'Options of Strategy come before its verify function')
  }
  const unknown = Object.keys(options).find((name) => !optionNames.some((each) => each === name))
  if (unknown !== undefined) {
    const known = `${optionNames.join(' and ')} are known`
    throw new OtpError(
      'ERR_OTP_OPTIONS',
      `"${shown(unknown)}" must be an option of Strategy: ${known}`,
    )
  }
  const { csrf, passReqToCallback = false } = Object.assign(
    Object.create(null) as StrategyOptions,
    options,
  )
  requireCsrf(csrf)
  if (typeof passReqToCallback !== 'boolean') {
    throw new OtpError('ERR_OTP_OPTIONS', '"passReqToCallback" must be true or false')
  }
  const askApp = createAskApp(verify as (...args: never[]) => unknown, passReqToCallback) // it is one
  return { flow, askApp, csrf, verdicts: createVerdicts() }
}
