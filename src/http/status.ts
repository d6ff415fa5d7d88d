import type { OtpFlow } from '../flow/index.js'
import type { StatusOutcome } from '../outcomes.js'
import { createBinding } from './binding.js'
import { type Cookies, createCookies } from './cookies.js'
import { openExchange, problemOf, tellRefusal } from './exchange.js'
import type { Host, RouteHost } from './host.js'
import { type Kept, readKept } from './kept.js'
import type { OtpPage, StatusOptions } from './options.js'
import { createProblem, type Problem, ProblemError } from './problem.js'
import { jsonReply, leftReply, problemReply, type Reply } from './reply.js'
import { isPrefetch } from './request.js'

/** `GET /status`. An app that makes a page of it gets the head of the answer, whose body it writes. */
export function createStatus<Context extends unknown[]>(
  flow: OtpFlow,
  { render }: StatusOptions<Context>,
): (host: RouteHost<Context>) => Promise<Reply> {
  return async (host) => {
    const { page, reply } = await readPage(flow, host)
    // A poll that was under way while another request has signed this browser in must not sign it out.
    host.session.leave()
    if (!render) return reply
    // With that policy, the forms of the page would name no origin.
    const { 'Content-Type': _type, 'Referrer-Policy': _policy, ...headers } = reply.headers
    host.head.add({ ...reply, headers })
    host.setStatus(reply.status)
    await render(page, ...host.context)
    return leftReply('answered')
  }
}

async function readPage(flow: OtpFlow, host: Host): Promise<{ page: OtpPage; reply: Reply }> {
  const { status, kept, cookies, outage } = await readStatus(flow, host)
  if (outage) {
    const reply = problemReply(outage, 'Cookie')
    if (outage.status === 405) reply.headers.Allow = 'GET, HEAD'
    return { page: { status: 'none', outcome: outage }, reply }
  }
  const page: OtpPage = { ...(status ?? { status: 'none' }), ...kept }
  return { page, reply: { ...jsonReply(200, page, 'Cookie'), cookies } }
}

/** What is known of a flow, and of the form post before. */
export interface ReadStatus {
  /** `undefined` when the store could not be asked. */
  status: StatusOutcome | undefined
  hasHandle: boolean
  /** Why there is no status. */
  outage: Problem | undefined
  kept: Kept
  /** `Set-Cookie` lines. */
  cookies: string[]
}

export async function readStatus(flow: OtpFlow, host: Host): Promise<ReadStatus> {
  const { options } = flow
  flow.validation.request(host)
  const cookies = createCookies(options, host)
  let status: StatusOutcome | undefined
  let hasHandle = false
  let outage: Problem | undefined
  try {
    const handle = await handleOf(flow, host, cookies)
    hasHandle = typeof handle === 'string'
    status = await flow.status({ handle, address: host.address })
    givePageToken(flow, host, cookies)
  } catch (error) {
    tellRefusal(flow, 'status', error)
    outage = problemOf(options, error)
  }
  const kept = readKept(flow, cookies)
  // Only a page that is really shown uses it up.
  const shown = host.method === 'GET' && !isPrefetch(host.headers)
  if (shown && cookies.read('outcome') !== undefined) cookies.clear('outcome')
  return { status, hasHandle, outage, kept, cookies: cookies.lines() }
}

/** A day: a page may stay open before its button is clicked. */
const pageTokenKept = 86_400

/**
 * With the page comes a token, by which two clicks on its button are known to be of one browser.
 * Another site's request gets none.
 */
function givePageToken({ options, createPageToken }: OtpFlow, host: Host, cookies: Cookies): void {
  const { method, headers } = host
  const site = headers['sec-fetch-site']
  const own = site === undefined || site === 'same-origin' || site === 'none'
  const given =
    options.binding !== 'cookie' ||
    options.cookie.domain !== undefined ||
    cookies.read('page') !== undefined
  if (method !== 'GET' || given || !own || isPrefetch(headers)) return
  cookies.set('page', createPageToken(), pageTokenKept)
}

async function handleOf(flow: OtpFlow, host: Host, cookies: Cookies): Promise<unknown> {
  const { options } = flow
  const { method } = host
  if (method === 'GET' || method === 'HEAD') {
    return createBinding(options, host, cookies, () => undefined).handle
  }
  // A client that keeps the handle itself may send it in a body, as to the other routes.
  if (options.binding === 'token') {
    return (await openExchange(flow, host, cookies, undefined)).binding.handle
  }
  throw new ProblemError(createProblem(options, { status: 'bad_request' }, { status: 405 }))
}
