import { request } from 'node:http'
import { onTestFinished } from 'vitest'
import { type SandboxOptions, startSandbox } from '../../src/sandbox/index.js'
import type { ApplicationEntity } from '../../src/sandbox/applications/applications.js'
import type { JournalEntry } from '../../src/sandbox/journal.js'
import type { OtpStatusEntity, StatusEvent } from '../../src/sandbox/otp/entity.js'

export const happyNumber = '+12015550100'

type Query = Record<string, string>

export interface Reply {
  status: number
  headers: Headers
  text: string
  /** `undefined` when the body is not JSON. */
  json: unknown
}

export async function setupSandbox(options?: SandboxOptions) {
  const sandbox = await startSandbox(options)
  onTestFinished(() => sandbox.close())

  async function call(path: string, init: RequestInit = {}): Promise<Reply> {
    const response = await fetch(sandbox.url + path, { redirect: 'manual', ...init })
    const text = await response.text()
    return { status: response.status, headers: response.headers, text, json: toJson(text) }
  }

  function api(method: string, path: string, query: Query = {}, init: RequestInit = {}) {
    const search = new URLSearchParams(query).toString()
    return call(`/2fa/v1/otp${path}${search && `?${search}`}`, {
      method,
      headers: { apikey: sandbox.apiKey },
      ...init,
    })
  }

  const send = (query: Query = {}) => api('POST', '', { number: happyNumber, ...query })

  /** The entity is what the sandbox made; what it looks like has tests of its own. */
  const sendOtp = async (query?: Query) => (await send(query)).json as OtpStatusEntity

  const control = (method: string, path: string, body?: unknown) =>
    call(`/_sandbox/${path}`, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body) }),
    })

  /** tyntec's APIs beside the OTP service, by their whole path. */
  const tyntec = (method: string, path: string, query: Query = {}, init: RequestInit = {}) => {
    const search = new URLSearchParams(query).toString()
    const headers = { apikey: sandbox.apiKey, ...init.headers }
    return call(`${path}${search && `?${search}`}`, { method, ...init, headers })
  }

  const application = (method: string, path = '', query?: Query, body?: unknown) =>
    tyntec(method, `/2fa/v1/application${path}`, query, {
      ...(body !== undefined && {
        body: JSON.stringify(body),
        headers: { 'content-type': 'application/json' },
      }),
    })

  return {
    sandbox,
    call,
    tyntec,
    application,
    createApplication: async (settings: object = {}) =>
      (await application('POST', '/', {}, settings)).json as ApplicationEntity,
    api,
    send,
    sendOtp,
    control,
    check: (otpId: string, otpCode: string) => api('POST', `/${otpId}/check`, { otpCode }),
    resend: (otpId: string, query?: Query) => api('POST', `/${otpId}`, query),
    get: (otpId: string) => api('GET', `/${otpId}`),
    events: async (otpId: string) => (await api('GET', `/${otpId}/events`)).json as StatusEvent[],
    addFault: (fault: object) => control('POST', 'faults', fault),
    advance: (seconds: number) => control('POST', 'clock', { advance: seconds }),
    requests: async () => (await control('GET', 'requests')).json as JournalEntry[],
  }
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** `fetch` doesn't let its caller choose `Host`. */
export function statusOf(
  url: string,
  { method = 'GET', headers }: { method?: string; headers: Record<string, string> },
): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    request(url, { method, headers }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end()
  })
}
