import type { Script } from './script.js'

/** What the store needs of the app's Redis client. */
export interface RedisClient {
  /**
   * Runs a script: by its SHA-1, and by its text once the server says that it does not know it. All keys
   * are in one hash slot. A reply is a string, an integer, null, or an array of these. An integer is a
   * number, or its digits from an ioredis client with `stringNumbers`.
   *
   * Rejects with the client's own error, whose properties may hold keys and arguments. It may also
   * stay unsettled for as long as the client likes, and a command that was sent may run twice: the
   * caller keeps the deadline.
   */
  run(script: Script, keys: readonly string[], args: readonly string[]): Promise<unknown>

  /**
   * Whether a command would be sent now. While it is not, a client keeps commands for later. A client
   * that waits for its first command to connect begins to.
   */
  ready(): boolean

  /** Whether the app has closed the client, which so will not be ready again by itself. */
  ended(): boolean

  /** Keys of different hash slots need different calls. */
  readonly cluster: boolean
}
