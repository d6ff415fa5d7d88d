import { type ClientRequest, type IncomingHttpHeaders, request } from 'node:http'
import { expect } from 'vitest'

export interface Answer {
  status: number
  headers: IncomingHttpHeaders
  text: string
  /** `undefined` when the body is not JSON. */
  json: Record<string, unknown> | undefined
  /** `Set-Cookie` lines. */
  cookies: string[]
}

interface CallOptions {
  headers?: Record<string, string>
  /** Sent as it is, with the content type of `headers`. */
  raw?: string
}

/** A browser's cookies, and requests with all headers under the test's control. */
export interface Client {
  jar: Map<string, string>
  call(method: string, path: string, options?: CallOptions): Promise<Answer>
  get(path: string, options?: CallOptions): Promise<Answer>
  /** JSON. */
  post(path: string, body?: unknown, options?: CallOptions): Promise<Answer>
  /** As a page's form does it. */
  submit(path: string, fields?: Record<string, string>, options?: CallOptions): Promise<Answer>
  /** Starts a JSON post; `leave` destroys its connection. */
  begin(path: string, body: unknown): { leave(): void; left: Promise<void> }
}

export function createClient(base: string, jar = new Map<string, string>()): Client {
  const cookie = () => [...jar].map(([name, value]) => `${name}=${value}`).join('; ')

  function open(method: string, path: string, { headers = {}, raw }: CallOptions): ClientRequest {
    const all = {
      ...(jar.size > 0 && { cookie: cookie() }),
      ...(raw !== undefined && { 'content-length': String(Buffer.byteLength(raw)) }),
      ...headers,
    }
    // A connection each, as of different people.
    return request(base + path, { method, headers: all, agent: false })
  }

  function call(method: string, path: string, options: CallOptions = {}): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const sent = open(method, path, options)
      sent.on('error', reject).on('response', (response) => {
        const chunks: Buffer[] = []
        response
          .on('data', (chunk: Buffer) => chunks.push(chunk))
          .on('error', reject)
          .on('end', () => {
            const text = Buffer.concat(chunks).toString()
            const cookies = response.headers['set-cookie'] ?? []
            keepCookies(jar, cookies)
            const { statusCode: status = 0, headers } = response
            resolve({ status, headers, text, json: toJson(text), cookies })
          })
      })
      sent.end(options.raw)
    })
  }

  const json = (body: unknown, { headers, raw }: CallOptions = {}): CallOptions => ({
    headers: { 'content-type': 'application/json', accept: 'application/json', ...headers },
    raw: raw ?? JSON.stringify(body ?? {}),
  })

  return {
    jar,
    call,
    get: (path, options) => call('GET', path, options),
    post: (path, body, options) => call('POST', path, json(body, options)),
    submit: (path, fields = {}, { headers } = {}) =>
      call('POST', path, {
        headers: {
          'content-type': 'application/x-www-form-urlencoded',
          accept: 'text/html,application/xhtml+xml',
          ...headers,
        },
        raw: new URLSearchParams(fields).toString(),
      }),
    begin(path, body) {
      const options = json(body)
      const sent = open('POST', path, options)
      const left = new Promise<void>((resolve) => {
        sent.on('error', () => {}).on('close', () => resolve())
      })
      sent.end(options.raw)
      return { leave: () => sent.destroy(), left }
    },
  }
}

/** Puts what an answer sets into the jar, as a browser does. */
export function keepCookies(jar: Map<string, string>, lines: string[]): void {
  for (const line of lines) {
    const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
    const expired =
      /;\s*max-age=0/i.test(line) || /;\s*expires=thu, 01 jan 1970/i.test(line) || value === ''
    if (expired) jar.delete(name)
    else jar.set(name, value)
  }
}

/** Asserts a problem, whole but for its words. */
export function expectProblem(
  answer: Answer,
  status: number,
  code: string,
  members: Record<string, unknown> = {},
): void {
  expect(answer.headers['content-type']).toBe('application/problem+json; charset=utf-8')
  expect(answer.json).toEqual({
    type: `urn:problem-type:tyntec-otp:${code}`,
    title: expect.any(String),
    detail: expect.any(String),
    status,
    code,
    ...members,
  })
  expect(answer.status).toBe(status)
}

function toJson(text: string): Record<string, unknown> | undefined {
  try {
    return JSON.parse(text) as Record<string, unknown>
  } catch {
    return undefined
  }
}
