import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'

export interface SlowRedis {
  url: string
  /**
   * How often who asks has waited since `reset`, one wait after another: commands that went out
   * before the answer to another one had come are one wait.
   */
  waits(): number
  reset(): void
  stop(): void
}

/** A way to a Redis on which each answer comes 60 ms late, so that waits can be told apart. */
export async function startSlowRedis(target: string): Promise<SlowRedis> {
  const { hostname, port } = new URL(target)
  const late = 60
  let asked = 0
  let answered = 0
  const server = createServer((client) => {
    const redis = connect(Number(port), hostname)
    client.setNoDelay(true)
    redis.setNoDelay(true)
    client.on('data', (chunk) => {
      asked = Math.max(asked, answered + 1)
      redis.write(chunk)
    })
    redis.on('data', (chunk) => {
      const answers = asked
      // Answers that are late by the same time keep their order.
      setTimeout(() => {
        answered = Math.max(answered, answers)
        client.write(chunk)
      }, late)
    })
    redis.on('error', () => client.destroy())
    client.on('error', () => redis.destroy())
    redis.on('close', () => client.destroy())
    client.on('close', () => redis.destroy())
  })
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    // A server that listens on a port has an address object.
    url: `redis://127.0.0.1:${(server.address() as AddressInfo).port}`,
    waits: () => asked,
    reset() {
      asked = answered = 0
    },
    stop: () => void server.close(),
  }
}
