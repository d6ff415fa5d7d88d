import type { ServerResponse } from 'node:http'
import type { Host, LogInOptions } from '../http/host.js'
import { createExpressSession } from '../node/session-express.js'
import { createNodeHost, type NodeRequest } from '../node/host.js'
import { createKoaSession } from '../node/session-koa.js'

export type LogInDone = (error?: unknown) => void
export type LogIn = (user: unknown, ...rest: (LogInOptions | LogInDone | undefined)[]) => void

/** Express' request, or what koa-passport and our Koa adapter make of Koa's context. */
export interface PassportRequest extends NodeRequest {
  body?: unknown
  res?: ServerResponse
  ctx?: KoaContext
  logIn?: LogIn
  login?: LogIn
  _userProperty?: string
  [property: string]: unknown
}

/** What is read of Koa's context: koa-passport's request falls back to parts of the response. */
export interface KoaContext extends NodeRequest {
  request: { body?: unknown }
  res: ServerResponse
  logIn?: (user: unknown, options?: LogInOptions) => Promise<void>
  login?: (user: unknown, options?: LogInOptions) => Promise<void>
}

export function hostOf(req: PassportRequest): Host {
  const { ctx } = req
  return createNodeHost({
    request: ctx ?? req,
    body: ctx ? ctx.request.body : req.body,
    res: responseOf(req),
    session: ctx ? createKoaSession(ctx) : createExpressSession(req),
  })
}

/** There is none where a strategy is asked about a request alone. */
export function responseOf({ ctx, res }: PassportRequest): ServerResponse | undefined {
  return ctx ? ctx.res : res
}
