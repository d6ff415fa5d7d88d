export { bindOtp } from './bind.js'
export {
  createOtpClient,
  type OtpClient,
  type OtpClientOptions,
  type OtpRefused,
  type OtpSent,
  type OtpStatus,
  type OtpUnreachable,
  type OtpVerified,
} from './client.js'
