import { createTyntecClient, type TyntecClientOptions } from 'passport-tyntec-otp/tyntec'
import { onTestFinished } from 'vitest'
import { OtpError } from '../../src/errors.js'

export const apiKey = 'kEy-CaNaRy-7f3a'
export const number = '+12015550100'
export const otpId = '3f2b8c1e-9a4d-4e6f-8b7a-0c1d2e3f4a5b'
export const otpCode = '918273'

export const otp = {
  otpId,
  otpStatus: 'ACTIVE',
  number,
  attemptCount: 0,
  created: 1_700_000_000_000,
  expire: 1_700_000_300_000,
  referenceId: null,
}

export function setupClient(baseUrl: string, options: Partial<TyntecClientOptions> = {}) {
  const client = createTyntecClient({ apiKey, baseUrl, ...options })
  onTestFinished(() => client.close())
  return client
}

export async function failureOf(promise: Promise<unknown>): Promise<OtpError> {
  const error = await promise.then(
    (value) => value,
    (reason: unknown) => reason,
  )
  if (error instanceof OtpError) return error
  throw new Error('It did not fail with an OtpError.', { cause: error })
}
