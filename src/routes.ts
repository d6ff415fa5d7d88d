import { randomInt } from 'node:crypto'
import type { Events, OtpEvent } from './events.js'
import type { Channel } from './outcomes.js'
import type { StepStore } from './store/store.js'

/*
 * A route is a channel to a country. Whether it works shows in two ways: carriers say that messages could not be
 * delivered, or they say nothing and nobody types a code.
 */

type Fate = 'used' | 'failed'

interface Message {
  flowId: string
  at: number
  fate?: Fate | undefined
}

interface Route {
  via: Channel
  country: string
  /** Oldest first. */
  messages: Message[]
  failing: boolean
  /** What has become of messages that another process has sent and not told of yet. */
  told: { flowId: string; fate: Fate; at: number }[]
  /** It is going to be compared with what others have seen. */
  due: boolean
}

/** Messages that a route is judged by. */
const window = 20

/** Fewer say nothing. */
const least = 10

/** Milliseconds in which people who get a code have typed it. */
const patience = 120_000

/** While nothing is known of so many, no more are looked at: those that are there have to grow old. */
const mostOpen = 200

/** Milliseconds after which processes tell each other what they have seen, and as many more by chance. */
const [pause, spread] = [4000, 2000]

/** Milliseconds for which another process may not have told of a message. */
const untold = 30_000

/** Seconds for which what was seen is kept. */
const kept = 86_400

/**
 * Tells of routes that stop delivering. Processes on one store judge by what all of them have seen.
 *
 * @param shared where they tell each other; nothing when there is one process
 */
export function watchRoutes(
  events: Events,
  shared?: Pick<StepStore, 'note' | 'keepNote'>,
  flowName = 'login',
): void {
  const routes = new Map<string, Route>()

  const listen = (event: OtpEvent) => {
    switch (event.type) {
      case 'otp.sent':
      case 'otp.resent':
      case 'otp.unconfirmed': {
        const route = routeOf(event)
        route.messages = trimmed([...route.messages, { flowId: event.flowId, at: event.at }], event)
        return look(event, route)
      }
      case 'otp.verified':
        return learn(event, 'used')
      case 'otp.delivery':
        return event.delivery === 'failed' ? learn(event, 'failed') : undefined
      default:
    }
  }

  const routeOf = ({ via, country }: { via: Channel; country: string }): Route => {
    const name = `${via} ${country}`
    const known = routes.get(name)
    if (known) return known
    const made: Route = { via, country, messages: [], failing: false, told: [], due: false }
    routes.set(name, made)
    return made
  }

  const learn = (
    event: { via: Channel; country: string; flowId: string; at: number },
    fate: Fate,
  ) => {
    const route = routeOf(event)
    const { flowId, at } = event
    if (!settle(route.messages, flowId, fate) && shared) {
      route.told.push({ flowId, fate, at })
      if (route.told.length > mostOpen) route.told.shift()
    }
    return look(event, route)
  }

  const look = ({ at }: { at: number }, route: Route) => {
    if (!shared) return judge(route, at)
    if (route.due) return
    route.due = true
    setTimeout(
      () => {
        route.due = false
        // What can't be compared now is compared after the next message.
        compare(shared, route).catch(() => {})
      },
      pause + randomInt(spread),
    ).unref()
  }

  /** Takes over what others have seen, judges by all of it, and tells them. */
  const compare = async (
    { note, keepNote }: Pick<StepStore, 'note' | 'keepNote'>,
    route: Route,
  ) => {
    const name = `route:${flowName}:${route.via}:${route.country}`
    const others = readNote(await note(name))
    const now = Date.now()
    route.failing = others?.failing ?? route.failing
    route.messages = merged(others?.messages ?? [], route.messages)
    route.told = route.told.filter(
      ({ flowId, fate, at }) => !settle(route.messages, flowId, fate) && now - at < untold,
    )
    judge(route, now)
    const { failing, messages } = route
    await keepNote(name, JSON.stringify({ failing, messages }), kept)
    if (route.told.length > 0) look({ at: now }, route)
  }

  const judge = (route: Route, at: number) => {
    const { via, country } = route
    route.messages = trimmed(route.messages, { at })
    const latest = route.messages.filter((message) => isKnown(message, at))
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

function isKnown({ fate, at: sent }: Message, at: number): boolean {
  return fate !== undefined || at - sent >= patience
}

/** The latest whose fate is known, and as many others as may be. */
function trimmed(messages: readonly Message[], { at }: { at: number }): Message[] {
  const latest = new Set(messages.filter((message) => isKnown(message, at)).slice(-window))
  let open = 0
  return messages.filter((message) =>
    isKnown(message, at) ? latest.has(message) : ++open <= mostOpen,
  )
}

/** Says what has become of the newest message of a flow. False when it is not there. */
function settle(messages: readonly Message[], flowId: string, fate: Fate): boolean {
  const message = messages.findLast((each) => each.flowId === flowId)
  if (!message) return false
  if (fate === 'used' || message.fate === undefined) message.fate = fate
  return true
}

function merged(some: readonly Message[], others: readonly Message[]): Message[] {
  const all = new Map<string, Message>()
  for (const message of [...some, ...others]) {
    const name = `${message.flowId} ${message.at}`
    const fates = [all.get(name)?.fate, message.fate]
    const fate = fates.includes('used') ? 'used' : (fates[0] ?? fates[1])
    all.set(name, { ...message, fate })
  }
  return [...all.values()].sort((one, other) => one.at - other.at)
}

/** What another process has written, unless somebody else has. */
function readNote(note: string | undefined): Pick<Route, 'failing' | 'messages'> | undefined {
  try {
    const { failing, messages } = JSON.parse(note ?? 'null') as Pick<Route, 'failing' | 'messages'>
    const told = messages.filter(({ flowId, at }) => typeof flowId === 'string' && at > 0)
    return { failing, messages: told }
  } catch {
    return undefined
  }
}
