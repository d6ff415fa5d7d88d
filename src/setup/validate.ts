import type { Events } from '../events.js'
import type { HostApp, HostSession } from '../http/host.js'
import type { OtpOptions, ResolvedOptions } from '../options/options.js'
import { validationCodes, type ValidationName } from './checks.js'
import { type LookedAt, lookAtOptions, lookAtRequest, lookAtSession } from './look.js'
import { findHoles, type Peer } from './peers.js'

export interface Validation {
  /** Looks at the first request to any of the routes. */
  request(host: LookedAt): void
  /** Looks at the first request that may end in a login by Passport, and at the session if one is needed. */
  login(session: HostSession | undefined): void
  /** Which proxies the framework believes, as the first request has shown. */
  proxies(): HostApp['proxies'] | undefined
}

/** Looks at the options, and gives what looks at the first requests. */
export function createValidation(
  given: OtpOptions,
  options: ResolvedOptions,
  events: Events,
  /** @internal Where peers are looked for. */
  from?: readonly string[],
): Validation {
  const tell = (name: ValidationName, message: string) => {
    if (!options.validate.has(name)) return
    events.emit({ type: 'misuse', check: name, code: validationCodes[name], message })
  }
  const tellOfHoles = (peers: readonly Peer[]) => {
    if (!options.validate.has('peers')) return
    for (const hole of findHoles(peers, from)) tell('peers', `${hole}. Update it`)
  }

  // Later, so that a listener which is added right after the flow was made hears of it too.
  const found = [...lookAtOptions(given, options)]
  if (found.length > 0) {
    process.nextTick(() => {
      for (const [name, message] of found) tell(name, message)
    })
  }

  let proxies: HostApp['proxies'] | undefined
  let passportSeen = false
  let sessionSeen = false
  return {
    proxies: () => proxies,
    request(host) {
      if (proxies !== undefined) return
      const { app } = host
      if (!app || host.gone()) return
      ;({ proxies } = app)
      for (const [name, message] of lookAtRequest(host, app, options)) tell(name, message)
      tellOfHoles([app.framework])
    },
    login(session) {
      if (!passportSeen) {
        passportSeen = true
        tellOfHoles(['passport'])
      }
      if (sessionSeen || !session || !options.validate.has('session')) return
      sessionSeen = true
      const missing = lookAtSession(session)
      if (missing !== undefined) tell('session', missing)
    },
  }
}
