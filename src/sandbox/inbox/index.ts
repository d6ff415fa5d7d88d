import type { ServerResponse } from 'node:http'
import type { Clock } from '../clock.js'
import type { Routes } from '../control/control.js'
import { send, sendJson, sendProblem } from '../control/http.js'
import { InputError, readFields } from '../control/input.js'
import { readAsset } from './assets.js'
import { type ListParts, toList } from './list.js'
import { assetsPath, toPage } from './page.js'
import { checkText } from './text-check.js'

export interface InboxParts extends ListParts {
  clock: Clock
}

export interface InboxRequest {
  path: string
  search: string
}

const policy = [
  "default-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  // The demo shows phone and app side by side. Pages of this machine may, and others can't.
  "frame-ancestors 'self' http://localhost:* http://127.0.0.1:*",
  "connect-src 'self'",
  'img-src data:',
  "style-src 'self'",
  "script-src 'self'",
  // Nothing makes markup of a string.
  "require-trusted-types-for 'script'",
  "trusted-types 'none'",
].join('; ')

/** The page at `/`, `/?to=` and `/m/{seq}`: what the phones received, and why one received nothing. */
export function sendInbox(res: ServerResponse, { path, search }: InboxRequest, parts: InboxParts) {
  const seq = path === '/' ? undefined : /^\/m\/([0-9]{1,15})$/.exec(path)?.[1]
  if (path !== '/' && seq === undefined) return sendProblem(res, 404, `There is no ${path}.`)
  const { found, list } = toList(parts, {
    to: readNumber(search),
    seq: seq === undefined ? undefined : Number(seq),
  })
  res.setHeader('Content-Security-Policy', policy)
  res.setHeader('Referrer-Policy', 'no-referrer')
  const page = toPage({ title: 'Sandbox inbox', list })
  send(res, found ? 200 : 404, 'text/html; charset=utf-8', page)
}

/** A + that was not encoded arrives as a space, and people copy numbers with spaces in them. */
function readNumber(search: string): string | undefined {
  const digits = (new URLSearchParams(search).get('to') ?? '').replace(/\D/g, '')
  return digits === '' ? undefined : `+${digits}`
}

const channels = ['sms', 'voice', 'whatsapp'] as const

/** What the page asks beside the control routes: its own files, and what a text is like. */
export const inboxRoutes: Routes = {
  [`${assetsPath}{}`]: {
    GET: {
      async handle({ id, res }) {
        const asset = await readAsset(id)
        if (asset) send(res, 200, asset.type, asset.body)
        else sendProblem(res, 404, `There is no ${assetsPath}${id}.`)
      },
    },
  },
  '/_sandbox/text-check': {
    POST: {
      handle({ res, input }) {
        const fields = readFields(input())
        const text = fields.take('text')
        if (typeof text !== 'string') throw new InputError('"text" must be a string.')
        const channel = fields.oneOf('channel', channels, 'sms')
        const [code, host, sender] = ['code', 'host', 'sender'].map((name) => {
          const value = fields.take(name)
          if (value === undefined || typeof value === 'string') return value
          throw new InputError(`"${name}" must be a string.`)
        })
        fields.finish()
        sendJson(res, 200, checkText({ text, channel, code, host, sender }))
      },
    },
  },
}
