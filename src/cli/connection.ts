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
 * @throws {UsageError} when there is no library, or the address is none
 * @throws the library's own error when Redis can't be reached
 */
export async function connect(url: string): Promise<Connection> {
  if (!/^rediss?:\/\//.test(url) || !URL.canParse(url)) {
    throw new UsageError('REDIS_URL must be a URL that begins with redis:// or rediss://')
  }
  const ioredis = await load<IoRedis>('ioredis')
  if (ioredis) return connectIoRedis(ioredis, url)
  const redis = await load<NodeRedis>('redis')
  if (redis) return connectNodeRedis(redis, url)
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

/** From the folder the command is run in, as it is the app's, else from where the package is. */
async function load<T>(name: string): Promise<T | undefined> {
  for (const from of [join(process.cwd(), 'app.js'), import.meta.url]) {
    let file: string
    try {
      file = createRequire(from).resolve(name)
    } catch {
      continue
    }
    return (await import(pathToFileURL(file).href)) as T // by its name
  }
  return undefined
}
