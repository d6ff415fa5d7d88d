import type { RedisClient } from './port.js'
import { isUnknownScript } from './script.js'

/** What is used of `Redis` and `Cluster` of ioredis 5 and 6 and of iovalkey. */
export interface IoredisClient {
  readonly status: string
  /** Called only on a client with `lazyConnect`, which waits for its first command. */
  connect(): Promise<unknown>
  readonly isCluster: boolean
  /** The function for a command, which does not join the client's automatic pipelines. */
  createBuiltinCommand(name: string): { readonly string: IoredisCommand }
}

/** A command of ioredis, whose `this` is the client. */
export type IoredisCommand = (
  this: unknown,
  ...args: readonly (string | number)[]
) => Promise<unknown>

export function isIoredis(client: object): client is IoredisClient {
  return (
    'status' in client &&
    typeof client.status === 'string' &&
    'isCluster' in client &&
    typeof client.isCluster === 'boolean' &&
    'createBuiltinCommand' in client &&
    typeof client.createBuiltinCommand === 'function'
  )
}

export function ioredisClient(client: IoredisClient): RedisClient {
  // In an automatic pipeline one command of the app that Redis refuses fails all others of that tick,
  // and after a failover MOVED comes back instead of being followed.
  const evalsha = client.createBuiltinCommand('evalsha').string
  const evaluate = client.createBuiltinCommand('eval').string
  return {
    cluster: client.isCluster,

    async run({ sha1, text }, keys, args) {
      try {
        return await evalsha.call(client, sha1, keys.length, ...keys, ...args)
      } catch (error) {
        if (!isUnknownScript(error)) throw error
        return evaluate.call(client, text, keys.length, ...keys, ...args)
      }
    },

    ready() {
      // A client with lazyConnect connects at its first command, which it refuses if it has no queue.
      if (client.status === 'wait') client.connect().catch(() => {})
      return client.status === 'ready'
    },

    ended: () => client.status === 'end',
  }
}
