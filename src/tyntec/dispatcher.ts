import type { Dispatcher } from 'undici'
import type { ResolvedTyntecOptions } from './options.js'
import { untraced } from './untraced.js'

/** tyntec and common gateways keep an idle connection longer than this, so none is reused stale. */
const keepAlive = 4

/** The connections to tyntec, through a proxy where there is one. */
export async function openDispatcher(options: ResolvedTyntecOptions): Promise<Dispatcher> {
  // undici takes about 100 ms to import, which an app that never calls tyntec need not pay.
  const { Client, EnvHttpProxyAgent, Pool } = await import('undici')
  // Explicit, so that NODE_TLS_REJECT_UNAUTHORIZED=0 does not reach this client.
  const tls = { timeout: options.connectTimeout * 1000, rejectUnauthorized: true }
  const settings = {
    connections: options.connections,
    keepAliveTimeout: keepAlive * 1000,
    keepAliveMaxTimeout: keepAlive * 1000,
    // The deadline of the whole call covers both, to the millisecond.
    headersTimeout: 0,
    bodyTimeout: 0,
  }
  const createPool = (origin: string | URL, own: object) =>
    new Pool(origin, {
      ...own,
      factory(to, of) {
        const client = new Client(to, of)
        const dispatch = client.dispatch.bind(client)
        // Here and not around the pool's: a call that waits for a connection is begun by whatever
        // frees one, in that one's context.
        client.dispatch = (request, handler) => untraced(() => dispatch(request, handler))
        return client
      },
    })
  if (options.proxy === undefined) return createPool(options.origin, { ...settings, connect: tls })
  return new EnvHttpProxyAgent({
    ...settings,
    httpsProxy: options.proxy,
    httpProxy: '',
    connect: tls,
    // tyntec's certificate is checked at the far end of the tunnel, and the proxy's own as strictly.
    requestTls: tls,
    proxyTls: tls,
    factory: createPool,
    clientFactory: createPool,
  })
}
