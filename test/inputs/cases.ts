import fc from 'fast-check'
import { type Body, formOf, jsonOf, strangeOf } from './bodies.js'
import { anyCode, badCode, deadHandles, unknownHandles, type World } from './fields.js'
import { cookieOf, harmless, header, uniqueHost } from './headers.js'
import { goodNumber, variants, type Possessions } from './variants.js'

/*
 * Requests of which each is harmless for a reason that is known when it is made: no valid number, or
 * no handle of a flow together with something like a code, or something that forbids the request.
 */

export interface Case {
  app: number
  method: string
  path: string
  headers: [name: string, value: string][]
  body: Buffer | undefined
  /** Without a length. */
  chunked: boolean
  /** Not HTTP as it should be, so it needs a connection of its own. */
  alone?: boolean
}

/** As it goes over the wire. */
export function toBytes({ method, path, headers, body, chunked }: Case): Buffer {
  const lines = headers.map(([name, value]) => `${name}: ${value}`)
  if (!headers.some(([name]) => name.toLowerCase() === 'host')) lines.push('host: 127.0.0.1')
  if (body && chunked) lines.push('transfer-encoding: chunked')
  else if (body) lines.push(`content-length: ${body.length}`)
  const head = Buffer.from(`${method} ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`, 'latin1')
  if (!body) return head
  if (!chunked) return Buffer.concat([head, body])
  const half = body.length >> 1
  const chunks = [body.subarray(0, half), body.subarray(half)].filter(({ length }) => length > 0)
  return Buffer.concat([
    head,
    ...chunks.flatMap((chunk) => [
      Buffer.from(`${chunk.length.toString(16)}\r\n`),
      chunk,
      Buffer.from('\r\n'),
    ]),
    Buffer.from('0\r\n\r\n'),
  ])
}

export const app = fc.nat(variants.length - 1)

export const routes = ['send', 'resend', 'check', 'cancel', 'status'] as const

/** Everything at once, on any route. */
function hostile(dead: fc.Arbitrary<string>): fc.Arbitrary<Case> {
  const world: World = { handle: dead, code: anyCode }
  const body = fc.oneof(
    { weight: 6, arbitrary: jsonOf(world) },
    { weight: 3, arbitrary: formOf(world) },
    { weight: 1, arbitrary: strangeOf(world) },
    {
      weight: 1,
      // Nothing at all, or a type of nothing.
      arbitrary: fc.constantFrom<(Body | undefined)[]>(
        undefined,
        { type: undefined, body: Buffer.alloc(0) },
        { type: 'application/json', body: Buffer.alloc(0) },
        { type: 'application/json', body: undefined },
        { type: 'application/x-www-form-urlencoded', body: undefined },
      ),
    },
  )
  const method = fc.oneof(
    { weight: 8, arbitrary: fc.constant(undefined) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        'GET',
        'HEAD',
        'PUT',
        'PATCH',
        'DELETE',
        'OPTIONS',
        'PROPFIND',
        'M-SEARCH',
      ),
    },
  )
  const query = fc.constantFrom(
    ...Array<string>(30).fill(''),
    '/',
    `?number=${encodeURIComponent(goodNumber)}`,
    '?code=424242&flow=x',
    '?_method=POST',
    '?__proto__[number]=1',
    '/?%00',
    '?%',
    '/..%2f',
    '//',
    '%00',
  )
  return fc
    .record({
      app,
      route: fc.constantFrom(...routes),
      query,
      method,
      headers: fc.oneof(
        { weight: 2, arbitrary: fc.array(harmless, { maxLength: 3 }) },
        { weight: 1, arbitrary: fc.array(header(dead), { maxLength: 5 }) },
      ),
      cookie: fc.option(cookieOf(dead), { freq: 2, nil: undefined }),
      body,
      chunked: fc.nat(9).map((dice) => dice === 0),
      json: fc.boolean(),
    })
    .map(({ app, route, query, method, headers, cookie, body, chunked, json }): Case => {
      const all = uniqueHost(headers)
      if (cookie !== undefined) all.push(['cookie', cookie])
      if (json) all.push(['accept', 'application/json'])
      const used = method ?? (route === 'status' ? 'GET' : 'POST')
      const path = `/login/${route}${query}`
      // More than Node reads: it answers by itself, and closes the connection.
      const alone =
        all.reduce((sum, [name, value]) => sum + name.length + value.length + 4, 0) > 15_000
      return { app, method: used, path, chunked, alone, ...withBody(all, body) }
    })
}

function withBody(
  headers: [string, string][],
  body: Body | undefined,
): Pick<Case, 'headers' | 'body'> {
  if (!body) return { headers, body: undefined }
  const { type, encoding } = body
  return {
    headers: [
      ...headers,
      ...(type === undefined ? [] : [['content-type', type] as [string, string]]),
      ...(encoding === undefined ? [] : [['content-encoding', encoding] as [string, string]]),
    ],
    body: body.body,
  }
}

/** The handle of a running flow wherever one may be, with anything but a code. */
function withoutCode({ live }: Possessions): fc.Arbitrary<Case> {
  const world: World = { handle: fc.constant(live), code: badCode }
  return fc
    .record({
      app,
      headers: fc.array(header(fc.constant(live)), { maxLength: 3 }),
      body: fc.oneof(jsonOf(world), formOf(world)),
      chunked: fc.boolean(),
    })
    .map(({ app, headers, body, chunked }): Case => ({
      app,
      method: 'POST',
      path: '/login/check',
      chunked,
      ...withBody([...uniqueHost(headers), ['cookie', `otp=${live}; __Host-otp=${live}`]], body),
    }))
}

/** All as it should be, but for the flow. */
export function lost(possessions: Possessions): fc.Arbitrary<Case> {
  return fc
    .record({
      app,
      route: fc.constantFrom('check', 'check', 'resend', 'cancel'),
      handle: unknownHandles(possessions),
      headers: fc.array(harmless, { maxLength: 2 }),
    })
    .map(({ app, route, handle, headers }): Case => ({
      app,
      method: 'POST',
      path: `/login/${route}`,
      headers: [
        ...headers,
        ['cookie', `otp=${handle}; __Host-otp=${handle}`],
        ['content-type', 'application/json'],
      ],
      body: Buffer.from(
        JSON.stringify({ code: '424242', pin: '424242', flow: handle, ticket: handle }),
      ),
      chunked: false,
    }))
}

/** Steps that would be taken, but for one thing. */
function forbidden({ live, device }: Possessions): fc.Arbitrary<Case> {
  const foreignSite = fc.constantFrom<[string, string][]>(
    [['sec-fetch-site', 'cross-site']],
    [
      ['sec-fetch-site', 'cross-site'],
      ['origin', 'https://evil.example'],
    ],
    [['sec-fetch-site', 'same-site']],
    [
      ['sec-fetch-site', 'same-origin'],
      ['origin', 'https://evil.example'],
    ],
    [
      ['sec-fetch-site', 'none'],
      ['origin', 'https://login.example.com.evil.example'],
    ],
    [['sec-fetch-site', 'SAME-ORIGIN']],
    [['sec-fetch-site', 'same-origin, same-origin']],
    [['origin', 'https://evil.example']],
    [['origin', 'null']],
    [
      ['origin', 'null'],
      ['sec-fetch-site', 'none'],
    ],
    [['origin', 'x']],
    [['referer', 'https://evil.example/login.example.com']],
    [['referer', 'x']],
    [['sec-purpose', 'prefetch']],
    [['purpose', 'Prefetch']],
  )
  const types = fc.constantFrom(
    'text/plain',
    'text/plain; application/json',
    'multipart/form-data; boundary=x',
    'application/xml',
    '',
    'application/jsonp',
  )
  const methods = fc.constantFrom('GET', 'HEAD', 'PUT', 'PATCH', 'DELETE')
  const steps = fc.constantFrom<[route: string, fields: Record<string, string>]>(
    ['send', { number: goodNumber, tel: goodNumber }],
    ['send', { number: '611 1234', country: 'IS', tel: '611 1234', land: 'IS' }],
    ['check', { code: '424242', pin: '424242', flow: live, ticket: live }],
    ['resend', { flow: live, ticket: live }],
    ['cancel', { flow: live, ticket: live }],
  )
  const flaw = fc.oneof(
    foreignSite.map((headers) => ({ headers, method: 'POST', type: undefined })),
    types.map((type) => ({ headers: [], method: 'POST', type })),
    methods.map((method) => ({
      headers: [['x-http-method-override', 'POST'] as [string, string]],
      method,
      type: undefined,
    })),
  )
  return fc
    .record({ app, step: steps, flaw, form: fc.boolean(), query: fc.boolean() })
    .map(({ app, step: [route, fields], flaw: { headers, method, type }, form, query }): Case => {
      const given = form ? 'application/x-www-form-urlencoded' : 'application/json'
      const encoded = new URLSearchParams(fields).toString()
      return {
        app,
        method,
        path: `/login/${route}${query ? `?${encoded}&_method=POST` : ''}`,
        headers: [
          ...headers,
          ['cookie', `otp=${live}; otp-device=${device}`],
          ['authorization', `Otp ${live}`],
          ['content-type', type ?? given],
        ],
        body: Buffer.from(form ? encoded : JSON.stringify(fields)),
        chunked: false,
      }
    })
}

/** Fields of a step that would be taken, but not where fields are read. */
function misplaced({ live }: Possessions): fc.Arbitrary<Case> {
  const good = JSON.stringify(goodNumber)
  const bodies = fc.constantFrom(
    `{"__proto__":{"number":${good},"tel":${good}}}`,
    `{"constructor":{"prototype":{"number":${good},"tel":${good}}}}`,
    `{"number":[${good}],"tel":[${good}]}`,
    `{"number":{"number":${good}},"tel":{"0":${good}}}`,
    `[{"number":${good},"tel":${good}}]`,
    `{"Number":${good},"TEL":${good}}`,
    `{"number ":${good}," tel":${good}}`,
    `{"body":{"number":${good},"tel":${good}}}`,
    `{"number":${good},"number":null,"tel":${good},"tel":""}`,
    `{"number":${goodNumber.slice(1)},"tel":${goodNumber.slice(1)}}`,
    `{"code":424242,"pin":424242}`,
    `{"code":["424242"],"pin":["424242"]}`,
    `{"code":{"toString":"424242"},"pin":true}`,
    `{"otpCode":"424242"}`,
    '{}',
  )
  return fc
    .record({ app, route: fc.constantFrom('send', 'check'), body: bodies })
    .map(({ app, route, body }): Case => {
      const query = new URLSearchParams({
        number: goodNumber,
        tel: goodNumber,
        code: '424242',
        pin: '424242',
      })
      return {
        app,
        method: 'POST',
        path: `/login/${route}?${query.toString()}`,
        headers: [
          ['content-type', 'application/json'],
          ['cookie', `otp=${live}; number=${goodNumber}; code=424242`],
          ['x-number', goodNumber],
          ['authorization', `Otp ${live}`],
        ],
        body: Buffer.from(body),
        chunked: false,
      }
    })
}

/** What the parser of HTTP itself should refuse, or what never comes to its end. */
function malformed(dead: fc.Arbitrary<string>): fc.Arbitrary<Case> {
  const lines = fc.constantFrom<[string, string]>(
    ['content-length', '5'],
    ['content-length', '-1'],
    ['content-length', '1e3'],
    ['content-length', '99999999999999999999'],
    ['content-length', '200'],
    ['transfer-encoding', 'chunked'],
    ['transfer-encoding', 'chunked, identity'],
    ['transfer-encoding', 'xchunked'],
    ['expect', '100-continue'],
    ['expect', 'x'],
    ['connection', 'close'],
    ['connection', 'upgrade'],
    ['upgrade', 'websocket'],
    ['host', 'twice.example'],
    ['cookie', 'otp=\u0000'],
    ['cookie', 'otp=a\r\nx: y'],
    ['otp', 'a\nb'],
    ['bad name', 'x'],
    ['x', 'y'.repeat(20_000)],
    ['cookie', `otp=${'y'.repeat(20_000)}`],
  )
  return fc
    .record({
      app,
      route: fc.constantFrom(...routes),
      line: lines,
      body: jsonOf({ handle: dead, code: anyCode }),
      path: fc.constantFrom('', ' ', '\u00e4', '?\u0000', '/%', '#x'),
    })
    .map(({ app, route, line, body, path }): Case => ({
      app,
      method: 'POST',
      path: `/login/${route}${path}`,
      chunked: false,
      alone: true,
      ...withBody([line], body),
    }))
}

export function createCases(possessions: Possessions): fc.Arbitrary<Case> {
  const dead = deadHandles(possessions)
  return fc.oneof(
    { weight: 60, arbitrary: hostile(dead) },
    { weight: 10, arbitrary: lost(possessions) },
    { weight: 14, arbitrary: withoutCode(possessions) },
    { weight: 10, arbitrary: forbidden(possessions) },
    { weight: 5, arbitrary: misplaced(possessions) },
    { weight: 1, arbitrary: malformed(dead) },
  )
}
