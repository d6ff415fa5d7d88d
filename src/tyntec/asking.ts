import { OtpError } from '../errors.js'
import { failure } from './statuses.js'
import type { Answer, Call, Transport } from './transport.js'

/** Asks tyntec and reads its answer. A key that is refused on the way is asked for anew the next time. */
export interface Asking {
  ask<T>(call: Call, read: (answer: Answer) => T): Promise<T>
  /** Runs calls that read their answers themselves. */
  guard<T>(run: () => Promise<T>): Promise<T>
  transport: Transport
}

export function createAsking(transport: Transport): Asking {
  const guard = async <T>(run: () => Promise<T>): Promise<T> => {
    try {
      return await run()
    } catch (error) {
      if (error instanceof OtpError && error.code === 'ERR_OTP_PROVIDER_AUTH') {
        transport.dropApiKey()
      }
      throw error
    }
  }
  return {
    transport,
    guard,
    ask: (call, read) => guard(async () => read(await transport.ask(call))),
  }
}

/** Nothing where tyntec has nothing, the answer's value where it has. */
export function orNone<T>(read: (answer: Answer) => T): (answer: Answer) => T | undefined {
  return (answer) => {
    if (answer.status === 404) return undefined
    if (answer.status !== 200) throw failure(answer)
    return read(answer)
  }
}
