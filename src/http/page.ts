import type { OtpFlow } from '../flow/index.js'
import { countryFor } from '../input/countries.js'
import type { HttpOptions } from '../options/options.js'
import { hook, invalid, optional } from '../options/values.js'
import { resolvePage } from '../page/options.js'
import { createPage, type PageReply } from '../page/page.js'
import { type PageFacts, type PageProblem, stateOf } from '../page/state.js'
import type { RouteHost } from './host.js'
import type { CheckOptions, PageRouterOptions } from './options.js'
import { particularsOf, type Problem } from './problem.js'
import { resolveRedirects } from './redirects.js'
import { problemHeaders, redirectReply, type Reply } from './reply.js'
import { type ReadStatus, readStatus } from './status.js'
import type { Step } from './steps.js'

export interface PageRoutes<Context extends unknown[]> {
  show: Step<Context>
  file(name: string): Step<Context> | undefined
  /** A page in place of a problem, for a browser that goes to a route. */
  orProblem(step: Step<Context>): Step<Context>
  /** The page in place of the status, for the same. */
  orStatus(step: Step<Context>): Step<Context>
}

/** What stands in the address where the page itself asks to go on. */
const goOn = 'continue'

/** @throws {OtpError} `ERR_OTP_OPTIONS` */
export function createPageRoutes<Context extends unknown[]>(
  flow: OtpFlow,
  options: CheckOptions<Context> & PageRouterOptions<Context>,
): PageRoutes<Context> | undefined {
  if (options.page === undefined) return undefined
  const { signedIn, hidden, ...given } = { ...options.page }
  optional(hook())('page.signedIn', signedIn)
  optional(hook())('page.hidden', hidden)
  if (flow.options.binding === 'token') {
    throw invalid('page', `left out with binding: 'token', whose clients have pages of their own`)
  }
  const { success = '/', failure, pending } = resolveRedirects(options)
  const { fields, countries, pinLength, codeAlphabet, channels } = flow.options
  const page = createPage(resolvePage(given), {
    fields,
    channels,
    countries,
    example: exampleOf(countries),
    codeLength: pinLength,
    codeAlphabet,
    next: success,
    targets: [success, failure, pending].filter((target) => target !== undefined),
  })

  async function isSignedIn(host: RouteHost<Context>): Promise<boolean> {
    if (signedIn) return signedIn(...host.context)
    if (!options.passport || (options.purpose ?? 'login') !== 'login') return false
    return host.signedIn() || holdsUser(host.session.read())
  }

  async function show(
    host: RouteHost<Context>,
    { atMount, problem }: { atMount: boolean; problem?: Problem },
  ): Promise<Reply> {
    const reads = host.method === 'GET' || host.method === 'HEAD'
    // What is refused early costs no look into the store.
    const { kept, cookies, ...read } = reads ? await readStatus(flow, host) : nothing
    const facts: PageFacts = {
      ...read,
      signedIn: await isSignedIn(host),
      // Somebody who opens the address of a form has done nothing wrong.
      problem: toTell(kept.outcome ?? (problem?.status === 405 ? undefined : problem)),
      notice: kept.notice,
      number: kept.number,
    }
    const asked = new URLSearchParams(host.url.split('?')[1]).has(goOn)
    if (asked && stateOf(facts).step === 'signed-in') return redirectReply(success)
    const reply = page.show({
      url: host.url,
      atMount,
      language: (offered) => host.acceptsLanguage(offered),
      hidden: await hidden?.(...host.context),
      facts,
      status: problem?.status ?? read.outage?.status,
    })
    // A session that the page only looks at is not to come back after its end.
    if (!hidden) host.session.leave()
    const refused = problem ?? read.outage
    if (refused) Object.assign(reply.headers, problemHeaders(refused))
    return { ...reply, cookies }
  }

  const wanted = (host: RouteHost<Context>) => host.accepts(['json', 'html']) === 'html'
  return {
    show: (host) => show(host, { atMount: true }),
    file(name) {
      const found = page.file(name)
      return found && (async () => fileReply(found))
    },
    orProblem: (step) => async (host) => {
      const reply = await step(host)
      if (!reply.problem || !wanted(host)) return reply
      const { problem, cookies, headers } = reply
      const shown = await show(host, { atMount: false, problem })
      return {
        ...shown,
        headers: { ...shown.headers, ...(headers.Allow && { Allow: headers.Allow }) },
        cookies: [...cookies, ...shown.cookies],
      }
    },
    orStatus: (step) => (host) =>
      host.method !== 'POST' && wanted(host) ? show(host, { atMount: false }) : step(host),
  }
}

function toTell(problem: Problem | undefined): PageProblem | undefined {
  if (!problem) return undefined
  const { code, retryAfter, attemptsRemaining } = problem
  return {
    code,
    ...(retryAfter !== undefined && { retryAfter }),
    ...(attemptsRemaining !== undefined && { attemptsRemaining }),
    ...particularsOf(problem),
  }
}

const nothing: ReadStatus = {
  status: { status: 'none' },
  hasHandle: false,
  outage: undefined,
  kept: {},
  cookies: [],
}

function fileReply(file: PageReply): Reply {
  return { ...file, cookies: [] }
}

/** Passport keeps it there, also where nothing has read it for this request. */
function holdsUser(session: unknown): boolean {
  const held = session as { passport?: { user?: unknown } } | null | undefined // or anything
  return held?.passport?.user !== undefined
}

/** A number of the first country, as far as it is no real person's. */
function exampleOf(countries: HttpOptions['countries']): string {
  const [first = 'US'] = countries === 'any' ? [] : countries
  const { callingCode = '1' } = countryFor(first) ?? {}
  return callingCode === '1' ? '+1 212 555 0123' : `+${callingCode}`
}
