import { redis } from './flow.js'

const seconds = 24 * 60 * 60
const inMemory = new Map<string, string>()
const keyOf = (id: string) => `example-session:${id}`

/** Sessions for Koa, on the server: a session in a cookie could be replayed after it has ended. */
export const sessions = {
  async get(id: string): Promise<object | undefined> {
    const text = redis ? await redis.get(keyOf(id)) : inMemory.get(id)
    return text ? JSON.parse(text) : undefined
  },
  async set(id: string, session: object): Promise<void> {
    const text = JSON.stringify(session)
    if (redis) await redis.set(keyOf(id), text, 'EX', seconds)
    else inMemory.set(id, text)
  },
  async destroy(id: string): Promise<void> {
    if (redis) await redis.del(keyOf(id))
    else inMemory.delete(id)
  },
}
