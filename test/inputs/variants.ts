/** What the test and the process with its apps have to agree on. */

/** What a browser of the apps really has. */
export interface Possessions {
  /** Of a flow whose code is on its way. */
  live: string
  device: string
}

export interface Settings {
  redisUrl: string
  baseUrl: string
  apiKey: string
  secret: string
}

/** What the apps' process says of itself. */
export interface Report {
  /** Bytes, after collecting garbage. */
  heap: number
  events: number
  /** Lines that a logger got. */
  lines: number
  /** Events that tell an operator of something to mend. */
  faults: number
  /** Events with anything in them that none has. */
  strange: string[]
  /** Errors that are no refusal of a body parser. */
  errors: string[]
  sessions: number
  signedIn: number
}

/** Requests to hand to the apps without HTTP. */
export interface DirectTask {
  do: 'direct'
  seed: number
  count: number
  possessions: Possessions
}

export type Task = DirectTask | { do: 'report' }

export interface DirectResult {
  failure?: string
  /** How many answers there were of each kind. */
  counts: [kind: string, count: number][]
}

/** Requests at once. Fewer of one app than it has places for checks, so that none is refused for that. */
export const batch = 250

export interface Variant {
  framework: 'express 4' | 'express 5' | 'koa 2' | 'koa 3'
  binding: 'cookie' | 'session' | 'token'
  voice: boolean
  origin: boolean
  renamed: boolean
  /** Bodies up to 100 kB, and forms as nested objects, as many apps have them. */
  large: boolean
  redirects: boolean
}

const plain = { voice: false, origin: false, renamed: false, large: false, redirects: false }

export const variants: readonly Variant[] = [
  { ...plain, framework: 'express 5', binding: 'cookie', redirects: true },
  { ...plain, framework: 'koa 3', binding: 'cookie', redirects: true },
  { ...plain, framework: 'express 4', binding: 'cookie', origin: true, voice: true },
  { ...plain, framework: 'koa 2', binding: 'cookie', origin: true, voice: true },
  { ...plain, framework: 'express 5', binding: 'token', large: true },
  { ...plain, framework: 'koa 3', binding: 'token', large: true },
  { ...plain, framework: 'express 4', binding: 'session', redirects: true },
  { ...plain, framework: 'koa 3', binding: 'session' },
  { ...plain, framework: 'express 5', binding: 'token', renamed: true, origin: true },
  { ...plain, framework: 'koa 3', binding: 'cookie', renamed: true, large: true },
]

export const origin = 'https://login.example.com'

export const renamed = {
  number: 'tel',
  country: 'land',
  code: 'pin',
  via: 'way',
  language: 'lang',
  flow: 'ticket',
} as const

/** The only country that the apps allow. Few random numbers are in it. */
export const country = 'IS'
/** In that country. */
export const goodNumber = '+3546111234'
