import type { RedisClient } from './port.js'
import { isUnknownScript } from './script.js'

/** What is used of the clients of `redis` (node-redis) 5 and 6: single, pool, Cluster and Sentinel. */
export interface NodeRedisClient {
  readonly isOpen: boolean
  /** A pool has none, nor has the Cluster of version 5. */
  readonly isReady?: boolean
  /** The same connections, for commands with options of their own. */
  withCommandOptions(options: NodeRedisOptions): NodeRedisScripts
  on(event: 'error', listener: (error: unknown) => void): unknown
}

/** Of the options of a command. */
export interface NodeRedisOptions {
  /** Empty: strings as strings, integers as numbers. */
  typeMapping: Record<string, never>
  /** Milliseconds after which a command that was not sent yet is given up. */
  timeout?: number
}

/** Scripts of node-redis. */
export interface NodeRedisScripts {
  evalSha(sha1: string, options: NodeRedisArguments): Promise<unknown>
  eval(script: string, options: NodeRedisArguments): Promise<unknown>
}

export interface NodeRedisArguments {
  keys: string[]
  arguments: string[]
}

/** What a pool has besides. */
interface Pool {
  readonly idleClients: number
  readonly isClosing: boolean
  execute(task: (member: { readonly isReady: boolean }) => void): Promise<void>
}

export function isNodeRedis(client: object): client is NodeRedisClient {
  return (
    'isOpen' in client &&
    typeof client.isOpen === 'boolean' &&
    'evalSha' in client &&
    typeof client.evalSha === 'function' &&
    'withCommandOptions' in client &&
    typeof client.withCommandOptions === 'function'
  )
}

export function nodeRedisClient(client: NodeRedisClient): RedisClient {
  surviveErrors(client)
  const cluster = isCluster(client)
  const isReady = readinessOf(client)
  let wasReady = false
  const scripts = client.withCommandOptions({
    // The app's own may turn strings into Buffers.
    typeMapping: {},
    // Version 6 starts a timer for each command, which costs three times the command. Only for a node
    // of a Cluster that is away are commands kept though the client is ready.
    ...(cluster ? {} : { timeout: 0 }),
  })
  return {
    cluster,

    async run({ sha1, text }, keys, args) {
      const options = { keys: [...keys], arguments: [...args] }
      try {
        return await scripts.evalSha(sha1, options)
      } catch (error) {
        if (!isUnknownScript(error)) throw error
        return scripts.eval(text, options)
      }
    },

    ready() {
      const ready = isReady()
      wasReady ||= ready
      return ready
    },

    // One that was never connected may be about to.
    ended: () => wasReady && !client.isOpen,
  }
}

function readinessOf(client: NodeRedisClient): () => boolean {
  if ('isReady' in client) return () => client.isOpen && client.isReady === true
  if (isPool(client)) return () => client.isOpen && !client.isClosing && memberIsReady(client)
  // The Cluster of version 5 is open from the call of connect() on, but knows no node until it is done.
  if (isCluster(client)) return () => client.isOpen && client.masters.length > 0
  return () => client.isOpen
}

function isCluster(client: NodeRedisClient): client is NodeRedisClient & { masters: unknown[] } {
  return 'masters' in client && Array.isArray(client.masters)
}

function isPool(client: NodeRedisClient): client is NodeRedisClient & Pool {
  return 'idleClients' in client && typeof client.idleClients === 'number'
}

/** A pool says nothing of its connections. An idle one is lent at once, and speaks for all. */
function memberIsReady(pool: Pool): boolean {
  if (pool.idleClients === 0) return true
  let ready = true
  void pool.execute((member) => {
    ready = member.isReady
  })
  return ready
}

const surviving = new WeakSet<NodeRedisClient>()

/**
 * Without any listener a lost connection ends the process. The store's own refusals tell the operator.
 */
function surviveErrors(client: NodeRedisClient): void {
  if (surviving.has(client)) return
  surviving.add(client)
  client.on('error', () => {})
}
