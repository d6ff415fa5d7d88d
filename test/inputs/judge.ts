import { inspect } from 'node:util'
import { createProblem, isProblemCode, type Problem } from '../../src/http/problem.js'
import type { Case } from './cases.js'
import type { ParsedCase } from './parsed-cases.js'
import type { RawAnswer } from './connection.js'
import { renamed, variants } from './variants.js'

/** One that was sent, or one that an adapter was given. */
export type Asked = Case | ParsedCase

/** Which status each code may have. */
const statuses: Record<string, readonly number[]> = {
  // 405 for a method that the route doesn't have.
  bad_request: [400, 405],
  number_required: [400],
  code_required: [400],
  malformed_code: [400],
  invalid_number: [400],
  number_not_allowed: [403],
  channel_not_allowed: [400],
  cross_site: [403],
  no_pending_code: [409],
  // An address that asks too much at once.
  rate_limited: [429],
}

const plainFields = ['number', 'country', 'code', 'via', 'language', 'flow', 'challenge']

/** In every answer of ours, or of Node and the app around it. */
const known = [
  'cache-control',
  'x-content-type-options',
  'referrer-policy',
  'content-type',
  'content-length',
  'retry-after',
  'allow',
  'location',
  'vary',
  'set-cookie',
  'date',
  'connection',
  'keep-alive',
  'x-powered-by',
]

/** The handle that is cleared, the outcome of a form with what was typed, sealed, or a page's own token. */
const ourCookie = new RegExp(
  '^(?:__Host-)?otp' +
    '(?:=; Max-Age=0|-outcome=(?:; Max-Age=0|[a-z_]+\\.\\d*\\.\\d*(?:\\.[\\w-]{40,700})?; Max-Age=60)' +
    '|-page=(?:; Max-Age=0|[\\w-]{20,200}; Max-Age=86400))' +
    '; Path=/; HttpOnly; (?:Secure; )?SameSite=Lax$',
)

export interface Judge {
  /** @throws an error that names the request when its answer is none that may be given */
  judge(asked: Asked, answer: RawAnswer): void
  /** How many answers there were of each kind. */
  counts: Map<string, number>
}

export function createJudge(): Judge {
  const counts = new Map<string, number>()
  /** What came of answers that were the same but for a time. None repeats what was sent, so they are few. */
  const shapes = new Map<string, string>()

  function look(asked: Asked, answer: RawAnswer): string {
    const { status } = answer
    const all = (name: string) =>
      answer.headers.filter(([each]) => each === name).map(([, value]) => value)
    const [from] = all('x-from')
    if (from !== undefined) {
      // A parser's refusal of the body, or a path that is not ours.
      const right =
        from === 'app' ? status === 404 : from === 'parser' && [400, 413, 415].includes(status)
      if (!right || answer.body !== '') throw new Error(`${from} answered ${status}`)
      return `${from} ${status}`
    }
    const expectHeader = (name: string, value: string | undefined) => {
      const [found, ...more] = all(name)
      if (found !== value || more.length > 0) throw new Error(`${name} is ${found}, not ${value}`)
    }
    expectHeader('cache-control', 'no-store')
    expectHeader('x-content-type-options', 'nosniff')
    expectHeader('referrer-policy', 'no-referrer')
    const strange = answer.headers.find(([name]) => !known.includes(name))
    if (strange) throw new Error(`an unknown header ${strange[0]}`)
    for (const line of all('set-cookie')) {
      // Koa and its sessions clear what they don't know.
      if (
        /^sid(?:\.sig)?=; path=\/; expires=Thu, 01 Jan 1970 00:00:00 GMT; (?:secure; )?httponly$/.test(
          line,
        )
      )
        continue
      if (!ourCookie.test(line)) {
        throw new Error(`a cookie ${line}`)
      }
    }

    const variant = variants[asked.app]
    const names: readonly string[] = variant?.renamed
      ? [...Object.values(renamed), 'challenge']
      : plainFields
    const bodiless = asked.method === 'HEAD'
    switch (status) {
      case 200:
        if (!asked.path.startsWith('/login/status')) throw new Error('a step was taken')
        expectHeader('content-type', 'application/json; charset=utf-8')
        if (!bodiless) expectStatus(JSON.parse(answer.body), names)
        return 'status'
      case 204:
        if (!asked.path.startsWith('/login/cancel')) throw new Error('a step was taken')
        return 'cancelled'
      case 303:
        if (!variant?.redirects) throw new Error('an app without redirects leads somewhere')
        if (!all('location').every((to) => to === '/in' || to === '/'))
          throw new Error('leads away')
        if (all('location')[0] === '/' && !asked.path.startsWith('/login/cancel')) {
          throw new Error('a step was taken')
        }
        return 'redirect'
      default: {
        expectHeader('content-type', 'application/problem+json; charset=utf-8')
        if (bodiless) return `HEAD ${status}`
        const problem = JSON.parse(answer.body) as Problem // looked at next
        expectProblem(problem, names)
        if (problem.status !== status) throw new Error('the status is another')
        expectHeader('retry-after', problem.retryAfter?.toString())
        return problem.code
      }
    }
  }

  return {
    counts,
    judge(asked, answer) {
      // What is the same but for times was looked at before.
      const headers = answer.headers.filter(
        ([name]) => name !== 'date' && name !== 'content-length' && name !== 'retry-after',
      )
      const body = answer.body.replace(/("(?:retryAfter|attemptsRemaining)":)\d+/g, '$10')
      const cookies = headers.map((header) =>
        header.map((value) =>
          value
            .replace(/(otp-outcome=[a-z_]+\.)\d+/, '$10')
            .replace(/(otp-outcome=[a-z_]+\.\d*\.\d*\.)[\w-]{40,700};/, `$1${'x'.repeat(40)};`)
            .replace(/(otp-page=)[\w-]{20,200};/, '$1x;'),
        ),
      )
      const about = [asked.app, asked.method === 'HEAD', asked.path.split(/[/?]/, 3)[2]]
      const shape = JSON.stringify([about, answer.status, cookies, body])
      let kind = shapes.get(shape)
      if (kind === undefined) {
        try {
          kind = look(asked, answer)
        } catch (error) {
          throw new Error(describe(asked, answer), { cause: error })
        }
        shapes.set(shape, kind)
      }
      counts.set(kind, (counts.get(kind) ?? 0) + 1)
    },
  }
}

export function describe(asked: Asked, answer: RawAnswer | undefined): string {
  const { framework, binding } = variants[asked.app] ?? {}
  const { method, path, headers, body } = asked
  const sent = Buffer.isBuffer(body) ? body.toString('latin1') : body
  const request = inspect(
    { method, path, headers, body: sent },
    { depth: 5, maxStringLength: 2000 },
  )
  return `${framework}, ${binding}: ${request} was answered ${JSON.stringify(answer)}`
}

function expectStatus(body: unknown, names: readonly string[]): void {
  const { status, outcome, ...rest } = body as { status: unknown; outcome?: Problem } // looked at here
  if (status !== 'none' || Object.keys(rest).length > 0) throw new Error('a flow was shown')
  if (outcome) expectProblem(outcome, names, true)
}

/** Word for word what the package says, so nothing of the request. */
function expectProblem(problem: Problem, names: readonly string[], kept = false): void {
  const { code, status, retryAfter, fields } = problem
  if (!isProblemCode(code)) throw new Error('an unknown code')
  // A kept outcome is the browser's own, which may be any.
  if (!kept && !statuses[code]?.includes(status)) throw new Error(`${code} with ${status}`)
  const blamed = fields?.[0]?.name
  if (blamed !== undefined && !names.includes(blamed)) throw new Error('an unknown field')
  const expected = createProblem(
    {
      fields: Object.fromEntries(plainFields.map((name) => [name, name])) as never,
      revealAttempts: false,
    },
    { status: code, retryAfter },
    { status, ...(blamed !== undefined && { field: blamed }) },
  )
  if (JSON.stringify(problem) !== JSON.stringify(expected)) throw new Error('other words')
}
