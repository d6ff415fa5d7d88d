import { isJson, json, parse, text } from './body.js'
import { splitElements } from './elements.js'
import { failure } from './statuses.js'
import type { Answer, Call, Transport } from './transport.js'

/** Bytes of a whole list, and of one of its elements. */
const longestList = 8 * 1024 * 1024
const longestElement = 65_536

/**
 * Reads a list element by element, so that its length is no error and its end need not be waited for.
 *
 * @param take gets each element, and gives false when it has seen enough
 * @param otherwise throws for an answer that is no list, or returns when that means an empty one
 */
export async function readList(
  ask: Transport['ask'],
  call: Call,
  take: (item: unknown) => boolean,
  otherwise: (answer: Answer) => void = throwFailure,
): Promise<void> {
  const elements = splitElements((element) => take(parse(element)), longestElement)
  let wantsMore = true
  const answer = await ask(call, (head) => {
    if (head.status !== 200 || !isJson(head)) return undefined
    return {
      maxBytes: longestList,
      take: (bytes) => (wantsMore = elements.write(bytes)),
    }
  })
  if (answer.status === 204) return
  if (answer.status !== 200) return otherwise(answer)
  text(answer)
  if (!isJson(answer)) json(answer)
  if (wantsMore) elements.end()
}

function throwFailure(answer: Answer): never {
  throw failure(answer)
}
