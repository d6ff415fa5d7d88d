import type { Events, OtpEvent } from './events.js'
import type { Channel } from './outcomes.js'

/*
 * A route is a channel to a country. Whether it works shows in two ways: carriers say that messages could not be
 * delivered, or they say nothing and nobody types a code.
 */

interface Message {
  flowId: string
  at: number
  fate?: 'used' | 'failed'
}

interface Route {
  /** Oldest first. */
  messages: Message[]
  failing: boolean
}

/** Messages that a route is judged by. */
const window = 20

/** Fewer say nothing. */
const least = 10

/** Milliseconds in which people who get a code have typed it. */
const patience = 120_000

/** More that nothing is known of yet are not kept. */
const mostOpen = 200

/** Tells of routes that stop delivering. Each process judges by what it has seen itself. */
export function watchRoutes(events: Events): void {
  const routes = new Map<string, Route>()

  const listen = (event: OtpEvent) => {
    switch (event.type) {
      case 'otp.sent':
      case 'otp.resent':
      case 'otp.unconfirmed': {
        const route = routeOf(event)
        route.messages.push({ flowId: event.flowId, at: event.at })
        if (route.messages.length > window + mostOpen) route.messages.shift()
        return judge(event, route)
      }
      case 'otp.verified': {
        const { messages } = routeOf(event)
        // Another process may have sent it: then it speaks for a message of ours that was checked elsewhere.
        const own = messages.findLast(({ flowId }) => flowId === event.flowId)
        const message = own ?? messages.find(({ fate }) => fate === undefined)
        if (message) message.fate = 'used'
        return judge(event, routeOf(event))
      }
      case 'otp.delivery': {
        const route = routeOf(event)
        const message = route.messages.findLast(({ flowId }) => flowId === event.flowId)
        if (event.delivery !== 'failed' || !message || message.fate) return
        message.fate = 'failed'
        return judge(event, route)
      }
      default:
    }
  }

  const routeOf = ({ via, country }: { via: string; country: string }): Route => {
    const name = `${via} ${country}`
    const known = routes.get(name)
    if (known) return known
    const made: Route = { messages: [], failing: false }
    routes.set(name, made)
    return made
  }

  const judge = (
    { via, country, at }: { via: Channel; country: string; at: number },
    route: Route,
  ) => {
    const known = route.messages.filter(({ fate, at: sent }) => fate || at - sent >= patience)
    const latest = known.slice(-window)
    if (known.length > window) {
      const old = new Set(known.slice(0, -window))
      route.messages = route.messages.filter((message) => !old.has(message))
    }
    if (latest.length < least) return
    const undelivered = latest.filter(({ fate }) => fate === 'failed').length
    const unused = latest.filter(({ fate }) => fate === undefined).length
    const of = latest.length
    if (route.failing) {
      route.failing = undelivered + unused > of / 2
    } else if (undelivered >= of / 2 || undelivered + unused >= of * 0.9) {
      route.failing = true
      events.emit({ type: 'route.failing', via, country, undelivered, unused, of })
    }
  }

  events.on(listen, 'count')
}
