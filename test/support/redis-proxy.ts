import { createServer, connect, type AddressInfo, type Socket } from 'node:net'
import { onTestFinished, type TestContext } from 'vitest'

/** A command as the client wrote it: its name in capitals, then its arguments. */
export type CommandWords = readonly string[]

export interface RedisProxy {
  url: string
  port: number
  /** The commands that Redis has answered since the start, or since `seen.length = 0`. */
  seen: CommandWords[]
  /** Takes connections but passes nothing on, either way. */
  pause(): void
  /** Passes commands on, but no answers from the first command on that matches, until `resume`. */
  holdReplies(matches: (words: CommandWords) => boolean): void
  /** What had been kept back goes on its way, and what comes next too. */
  resume(): void
  /** Ends all connections and refuses new ones, as a server that is gone. */
  cut(): void
  /** Takes connections again. */
  restore(): void
  /**
   * Lets Redis run the first command that matches, then cuts the connection in place of the answer.
   * Clients with default options send it again. Resolves when it has happened.
   */
  dropReply(matches: (words: CommandWords) => boolean): Promise<CommandWords>
  /** Cuts all connections in place of the first command that matches: Redis does not get it. */
  cutBefore(matches: (words: CommandWords) => boolean): Promise<CommandWords>
  /** Answers matching commands with an error, without asking Redis. The result ends it. */
  answer(error: string, matches: (words: CommandWords) => boolean): () => void
}

interface Drop {
  matches: (words: CommandWords) => boolean
  happened: (words: CommandWords) => void
}

interface Link {
  client: Socket
  server: Socket
  /** What Redis has still to answer, oldest first. */
  asked: { words: CommandWords; drop?: Drop | undefined; error?: string | undefined }[]
  fromClient: Buffer
  fromServer: Buffer
}

/** A TCP proxy on 127.0.0.1 in front of one Redis, closed when the test ends. */
export async function startRedisProxy(
  target: string,
  finished: TestContext['onTestFinished'] = onTestFinished,
): Promise<RedisProxy> {
  const to = new URL(target)
  const links = new Set<Link>()
  const drops: Drop[] = []
  const cuts: Drop[] = []
  const answers = new Set<{ error: string; matches: (words: CommandWords) => boolean }>()
  const seen: CommandWords[] = []
  let paused = false
  let holding: ((words: CommandWords) => boolean) | undefined
  let held = false
  let down = false

  const server = createServer((client) => {
    if (down) {
      client.destroy()
      return
    }
    const link: Link = {
      client,
      server: connect(Number(to.port), to.hostname),
      asked: [],
      fromClient: Buffer.alloc(0),
      fromServer: Buffer.alloc(0),
    }
    links.add(link)
    for (const socket of [link.client, link.server]) {
      socket.setNoDelay(true)
      socket.on('error', () => end(link))
      socket.on('close', () => end(link))
    }
    link.client.on('data', (chunk: Buffer) => {
      link.fromClient = Buffer.concat([link.fromClient, chunk])
      if (!paused) passCommands(link)
    })
    link.server.on('data', (chunk: Buffer) => {
      link.fromServer = Buffer.concat([link.fromServer, chunk])
      if (!paused && !held) passReplies(link)
    })
  })

  function end(link: Link) {
    links.delete(link)
    link.client.destroy()
    link.server.destroy()
  }

  function cut() {
    for (const link of links) end(link)
  }

  function passCommands(link: Link) {
    for (;;) {
      const size = frameSize(link.fromClient, 0)
      if (size === undefined) return
      const frame = link.fromClient.subarray(0, size)
      link.fromClient = link.fromClient.subarray(size)
      const words = wordsOf(frame)
      const cutting = take(cuts, words)
      if (cutting) {
        down = true
        cut()
        cutting.happened(words)
        return
      }
      if (holding?.(words)) held = true
      const error = [...answers].find(({ matches }) => matches(words))?.error
      link.asked.push({ words, error, drop: error === undefined ? take(drops, words) : undefined })
      // Something has to be asked, so that the error comes in its turn.
      link.server.write(error === undefined ? frame : '*1\r\n$4\r\nPING\r\n')
    }
  }

  function passReplies(link: Link) {
    for (;;) {
      const size = frameSize(link.fromServer, 0)
      if (size === undefined) return
      const frame = link.fromServer.subarray(0, size)
      link.fromServer = link.fromServer.subarray(size)
      // What a server says unasked answers nothing.
      const asked = frame[0] === code('>') ? undefined : link.asked.shift()
      if (asked) seen.push(asked.words)
      if (asked?.drop) {
        end(link)
        asked.drop.happened(asked.words)
        return
      }
      link.client.write(asked?.error === undefined ? frame : `-${asked.error}\r\n`)
    }
  }

  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', resolve)
  })
  // A server that listens on a port has an address object; a string would be a pipe's.
  const { port } = server.address() as AddressInfo
  finished(() => {
    cut()
    server.close()
  })

  const once = (list: Drop[], matches: (words: CommandWords) => boolean) =>
    new Promise<CommandWords>((happened) => {
      list.push({ matches, happened })
    })

  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    seen,
    pause() {
      paused = true
    },
    holdReplies(matches) {
      holding = matches
    },
    resume() {
      paused = false
      held = false
      holding = undefined
      for (const link of links) {
        passCommands(link)
        passReplies(link)
      }
    },
    cut() {
      down = true
      cut()
    },
    restore() {
      down = false
    },
    dropReply: (matches) => once(drops, matches),
    cutBefore: (matches) => once(cuts, matches),
    answer(error, matches) {
      const answer = { error, matches }
      answers.add(answer)
      return () => answers.delete(answer)
    },
  }
}

function take(list: Drop[], words: CommandWords): Drop | undefined {
  const index = list.findIndex(({ matches }) => matches(words))
  return index < 0 ? undefined : list.splice(index, 1)[0]
}

const code = (character: string) => character.charCodeAt(0)

/** Bytes of the frame that begins at `start`, in RESP2 or RESP3; nothing while it is not all there. */
function frameSize(buffer: Buffer, start: number): number | undefined {
  const lineEnd = buffer.indexOf('\r\n', start)
  if (lineEnd < 0) return undefined
  const type = String.fromCharCode(buffer[start] ?? 0)
  const header = lineEnd + 2 - start
  const count = Number(buffer.toString('latin1', start + 1, lineEnd))
  if ('$=!'.includes(type)) {
    const size = count < 0 ? header : header + count + 2
    return start + size <= buffer.length ? size : undefined
  }
  if (!'*%~>|'.includes(type)) return header
  const children = type === '%' || type === '|' ? count * 2 : count
  let size = header
  for (let child = 0; child < children; child += 1) {
    const next = frameSize(buffer, start + size)
    if (next === undefined) return undefined
    size += next
  }
  return size
}

/** Clients write every command as an array of strings. */
function wordsOf(frame: Buffer): CommandWords {
  const words: string[] = []
  let at = frame.indexOf('\r\n') + 2
  while (at < frame.length) {
    const lineEnd = frame.indexOf('\r\n', at)
    const length = Number(frame.toString('latin1', at + 1, lineEnd))
    words.push(frame.toString('utf8', lineEnd + 2, lineEnd + 2 + length))
    at = lineEnd + 2 + length + 2
  }
  const [name = '', ...rest] = words
  return [name.toUpperCase(), ...rest]
}
