import { OtpError } from './errors.js'
import { createOtpFlow } from './flow/index.js'
import { sms, twoFactor, whatsapp } from './options/channels.js'
import { memoryStore } from './store/memory.js'
import { redisStore } from './store/redis.js'
import { Strategy } from './passport/strategy.js'

export { OtpError, type OtpErrorCode } from './errors.js'
export type {
  BudgetWindow,
  LimitName,
  OtpEvent,
  OtpEventListener,
  OtpEventOf,
  RefusalReason,
} from './events.js'
export {
  type CheckInput,
  createOtpFlow,
  type NumberStatus,
  type OtpAdmin,
  type OtpFlow,
  type PendingFlow,
  type ResendInput,
  type SendInput,
  type StatusInput,
} from './flow/index.js'
export type { OtpLogger } from './log.js'
export type { OtpMeter } from './metrics.js'
export type { OtpTrace } from './flow/watch.js'
export type { FailureRule, KnownBrowserLimits, LimitOptions, LimitRule } from './options/limits.js'
export type {
  ConcurrencyOptions,
  CookieOptions,
  FieldNames,
  Knows,
  OtpOptions,
  SendingEnabled,
} from './options/options.js'
export type {
  BudgetOptions,
  Challenge,
  ChallengeRequest,
  MoneyOptions,
  PumpingOptions,
  PumpingRule,
} from './options/spending.js'
export {
  type OtpChannel,
  sms,
  type SmsOptions,
  twoFactor,
  type TwoFactorOptions,
  whatsapp,
  type WhatsappOptions,
  type WhatsappTemplate,
} from './options/channels.js'
export type {
  Channel,
  CheckOutcome,
  Delivery,
  Identity,
  InvalidNumber,
  Limited,
  Pending,
  ProblemCode,
  Proof,
  Purpose,
  Refused,
  ResendOutcome,
  ResendState,
  SendOutcome,
  Sent,
  SignedIn,
  StatusOutcome,
  Suspicion,
  Unconfirmed,
  Verified,
} from './outcomes.js'
export { type MemoryStoreOptions, memoryStore } from './store/memory.js'
export type { AnyRedisClient } from './store/clients/client.js'
export { type RedisStoreOptions, redisStore } from './store/redis.js'
export type { OtpStore } from './store/store.js'
export type { Finding } from './setup/findings.js'
export type { OtpHealth } from './setup/health.js'
export type { ValidateOption, ValidationCode, ValidationName } from './setup/checks.js'
export { Strategy, type StrategyOptions } from './passport/strategy.js'
export type { Verify, VerifyDone, VerifyWithRequest } from './passport/verify.js'
export type { Problem, ProblemField } from './http/problem.js'
export type { OtpPage } from './http/options.js'
export type { PageTexts, Plural } from './page/texts/texts.js'

/** What `require('passport-tyntec-otp')` gives. */
const commonjs = Object.assign(Strategy, {
  Strategy,
  createOtpFlow,
  memoryStore,
  OtpError,
  redisStore,
  sms,
  twoFactor,
  whatsapp,
})
export { commonjs as 'module.exports' }
