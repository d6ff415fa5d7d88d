import type { Operation } from '../faults/rules.js'

/** Which errors an API answers with: 2FA has its own, the others have problems (RFC 7807). */
export type Style = 'error' | 'problem'

type ApiOperation = Exclude<Operation, `webhook.${string}`>

/** `{}` is an id. A slash at the end is one more spelling of an application path only. */
const routes: Record<string, Record<string, ApiOperation>> = {
  '/2fa/v1/application': { GET: 'application.list', POST: 'application.create' },
  '/2fa/v1/application/{}': {
    GET: 'application.get',
    POST: 'application.edit',
    DELETE: 'application.delete',
  },
  '/2fa/v1/application/{}/language': {
    POST: 'application.set-template',
    DELETE: 'application.delete-template',
  },
  '/2fa/v1/otp': { GET: 'otp.list', POST: 'otp.send' },
  '/2fa/v1/otp/{}': { GET: 'otp.get', POST: 'otp.resend', DELETE: 'otp.delete' },
  '/2fa/v1/otp/{}/check': { POST: 'otp.check' },
  '/2fa/v1/otp/{}/events': { GET: 'otp.events' },
  '/messaging/v1/sms': { GET: 'sms.send', POST: 'sms.send' },
  '/messaging/v1/messages/{}': { GET: 'sms.get' },
  '/messaging/v1/chat/messages': { POST: 'chat.send' },
  '/messaging/v1/chat/messages/{}': { GET: 'chat.get' },
  '/messaging/v1/chat/messages/{}/history': { GET: 'chat.history' },
  '/messaging/v1/chat/messages/{}/status': { GET: 'chat.status' },
  '/messaging/v1/chat/media/{}': { GET: 'chat.media' },
}

export type Routing =
  | { status: 'found'; operation: ApiOperation; ids: readonly string[] }
  | { status: 'unknown' }
  | { status: 'method'; allow: string }

/** Everything before an id, so that the id is what comes next. */
const beforeId =
  /^(\/2fa\/v1\/(?:otp|application)|\/messaging\/v1\/messages|\/messaging\/v1\/chat\/(?:messages|media))\/([^/]+)/

export function findRoute(method: string, path: string): Routing {
  const id = beforeId.exec(path)?.[2]
  const pattern = path.replace(beforeId, '$1/{}').replace(/^(\/2fa\/v1\/application)\/$/, '$1')
  const methods = Object.hasOwn(routes, pattern) ? routes[pattern] : undefined
  if (!methods) return { status: 'unknown' }
  const operation = Object.hasOwn(methods, method) ? methods[method] : undefined
  if (!operation) return { status: 'method', allow: Object.keys(methods).join(', ') }
  return { status: 'found', operation, ids: id === undefined ? [] : [decode(id)] }
}

export const styleOf = (path: string): Style =>
  path.startsWith('/messaging/') ? 'problem' : 'error'

function decode(id: string): string {
  try {
    return decodeURIComponent(id)
  } catch {
    return id
  }
}
