export { createTyntecClient, type Expected, type OtpCalls, type TyntecClient } from './client.js'
export type {
  CheckAnswer,
  Otp,
  OtpEvent,
  OtpStatus,
  ResendAnswer,
  ResendParameters,
  SendParameters,
  Via,
} from './entities.js'
export type { TyntecClientOptions } from './options.js'
