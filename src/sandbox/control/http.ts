import { STATUS_CODES, type ServerResponse } from 'node:http'

export function send(res: ServerResponse, status: number, type: string, body: string): void {
  res.writeHead(status, {
    'Content-Type': type,
    'Content-Length': Buffer.byteLength(body),
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  })
  res.end(body)
}

export const sendJson = (res: ServerResponse, status: number, value: unknown) =>
  send(res, status, 'application/json', JSON.stringify(value))

export const sendProblem = (res: ServerResponse, status: number, detail: string) =>
  send(
    res,
    status,
    'application/problem+json',
    JSON.stringify({ type: 'about:blank', title: STATUS_CODES[status], status, detail }),
  )

export function sendNothing(res: ServerResponse): void {
  res.writeHead(204)
  res.end()
}
