export { OtpError, type OtpErrorCode } from './errors.js'
export type { OtpEvent, OtpEventListener } from './events.js'
export {
  type CheckInput,
  createOtpFlow,
  type OtpFlow,
  type ResendInput,
  type SendInput,
} from './flow/index.js'
export type { OtpLogger } from './log.js'
export type {
  CookieOptions,
  FailureRule,
  FieldNames,
  LimitOptions,
  LimitRule,
  OtpOptions,
} from './options.js'
export type {
  Channel,
  CheckOutcome,
  Delivery,
  Identity,
  Pending,
  ProblemCode,
  Proof,
  ResendOutcome,
  ResendState,
  SendOutcome,
  Sent,
  SignedIn,
  StatusOutcome,
  Unconfirmed,
  Verified,
} from './outcomes.js'
export { type MemoryStoreOptions, memoryStore } from './store/memory.js'
export { type RedisClient, type RedisStoreOptions, redisStore } from './store/redis.js'
export type { OtpStore } from './store/store.js'
