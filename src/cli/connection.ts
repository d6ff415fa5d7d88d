import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { UsageError } from './command.js'

/** A connection of one command, by whichever client library there is. */
export interface Connection {
  /** What `redisStore` takes. */
  client: unknown
  command(name: string, ...args: string[]): Promise<unknown>
  close(): void
}

/** Seconds that a command waits for Redis. */
const patience = 5

/**
 * Connects to `REDIS_URL` with ioredis or redis, whichever the app has. The address may hold a password, so it is
 * not shown.
 *
 * @param folder where the app is
 * @throws {UsageError} when there is no library, or the address is none
 * @throws the library's own error when Redis can't be reached
 */
export async function connect(url: string, folder = process.cwd()): Promise<Connection> {
  if (!/^rediss?:\/\//.test(url) || !URL.canParse(url)) {
    throw new UsageError('REDIS_URL must be a URL that begins with redis:// or rediss://')
  }
  for (const from of [join(folder, 'app.js'), import.meta.url]) {
    const ioredis = await load<IoRedis>('ioredis', from)
    if (ioredis) return connectIoRedis(ioredis, url)
    const redis = await load<NodeRedis>('redis', from)
    if (redis) return connectNodeRedis(redis, url)
  }
  throw new UsageError('Neither ioredis nor redis is installed: npm install ioredis')
}

/** What is used of ioredis 5 and 6. */
interface IoRedis {
  Redis: new (
    url: string,
    options: object,
  ) => {
    connect(): Promise<unknown>
    call(name: string, ...args: string[]): Promise<unknown>
    on(event: 'error', listener: () => void): unknown
    disconnect(): void
  }
}

async function connectIoRedis({ Redis }: IoRedis, url: string): Promise<Connection> {
  const client = new Redis(url, {
    lazyConnect: true,
    connectTimeout: patience * 1000,
    commandTimeout: patience * 1000,
    maxRetriesPerRequest: 1,
    retryStrategy: () => null,
  })
  // Each command tells of its own failure.
  client.on('error', () => {})
  try {
    await client.connect()
  } catch (error) {
    client.disconnect()
    throw error
  }
  return {
    client,
    command: (name, ...args) => client.call(name, ...args),
    close: () => client.disconnect(),
  }
}

/** What is used of redis 5 and 6. */
interface NodeRedis {
  createClient(options: object): {
    connect(): Promise<unknown>
    sendCommand(args: string[]): Promise<unknown>
    on(event: 'error', listener: () => void): unknown
    destroy(): void
  }
}

async function connectNodeRedis({ createClient }: NodeRedis, url: string): Promise<Connection> {
  const client = createClient({
    url,
    socket: { connectTimeout: patience * 1000, reconnectStrategy: false },
  })
  client.on('error', () => {})
  await client.connect()
  return {
    client,
    command: (name, ...args) => client.sendCommand([name, ...args]),
    close: () => client.destroy(),
  }
}

/** A library as a file sees it: one of the app's folder, else one beside the package. */
async function load<T>(name: string, from: string): Promise<T | undefined> {
  let file: string
  try {
    file = createRequire(from).resolve(name)
  } catch {
    return undefined
  }
  return (await import(pathToFileURL(file).href)) as T // by its name
}
