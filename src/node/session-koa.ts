import type { HostSession } from '../http/host.js'

/** What is read of Koa's context. */
interface Context {
  session?: unknown
  sessionOptions?: object | undefined
  cookies?: { set(name: string, value: string, options: object): unknown }
}

/** How koa-session holds the session of a request, under a symbol on its context. */
interface Holder {
  /** `undefined` before it is looked at, `false` when it is taken away. */
  session: unknown
  store?: Store | undefined
  externalKey?: string | undefined
  readonly opts: Options
  create(data: unknown, id: string): void
  commit(options?: CommitOptions): Promise<unknown>
}

interface Options {
  key?: string
  maxAge?: unknown
  rolling?: unknown
  renew?: unknown
  externalKey?: { set(ctx: object, id: string): void }
}

interface CommitOptions {
  save?: boolean
  regenerate?: boolean
}

interface Store {
  get(id: string, maxAge: unknown, options: object): unknown
  destroy(id: string, options: object): unknown
}

/** The session of koa-session, with a store of the app's or in the cookie alone. */
export function createKoaSession(context: object): HostSession {
  const ctx = context as Context // of which a context without sessions has nothing
  return {
    library: 'koa-session 6 or newer',
    keepsData: true,
    inCookie: () => false,
    read: () => ctx.session,
    id() {
      const holder = holderOf(ctx)
      return holder?.store ? holder.externalKey : undefined
    },
    leave() {
      const holder = holderOf(ctx)
      if (holder) leave(holder)
    },
    async adopt(id) {
      const holder = holderOf(ctx)
      const { store, opts } = holder ?? {}
      if (!holder || !store || !opts) return false
      const data: unknown = await store.get(id, opts.maxAge, { ctx, rolling: opts.rolling })
      if (!data) return false
      holder.create(data, id)
      if (opts.externalKey) {
        opts.externalKey.set(ctx, id)
      } else {
        const maxAge = typeof opts.maxAge === 'number' ? opts.maxAge : undefined
        ctx.cookies?.set(opts.key ?? 'koa.sess', id, { ...opts, maxAge })
      }
      // It is not written once more, which would bring it back if its owner has signed out meanwhile.
      holder.commit = async () => {}
      return true
    },
    async end(id) {
      await holderOf(ctx)?.store?.destroy(id, { ctx })
    },
  }
}

function leave(holder: Holder): void {
  Object.assign(holder.opts, { rolling: false, renew: false }) // a copy for this request
  const left = textOf(holder.session)
  const { commit } = holder
  holder.commit = async (options = {}) => {
    const wanted = options.save === true || options.regenerate === true
    // Of one that was not looked at nothing is known: the library itself sees what is new in it.
    const changed = left === undefined || textOf(holder.session) !== left
    return wanted || changed ? commit.call(holder, options) : undefined
  }
}

function textOf(session: unknown): string | undefined {
  return JSON.stringify(session)
}

function holderOf(ctx: Context): Holder | undefined {
  // Looking at them makes koa-session hold a session for this request.
  if (!ctx.sessionOptions) return undefined
  const held = Object.getOwnPropertySymbols(ctx).map(
    (symbol) => Reflect.get(ctx, symbol) as unknown,
  )
  return held.find(isHolder)
}

function isHolder(value: unknown): value is Holder {
  const given = value as Partial<Holder> | null | undefined // or anything
  return (
    typeof given?.commit === 'function' &&
    typeof given.create === 'function' &&
    typeof given.opts === 'object'
  )
}
