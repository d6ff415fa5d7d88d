import { main } from '../../src/cli/run.js'

export interface Result {
  code: number
  out: string
  err: string
}

/** Runs a command line in this process, with an environment and an input of its own. */
export async function run(
  args: readonly string[],
  env: Record<string, string | undefined> = {},
  input = '',
): Promise<Result> {
  const result: Result = { code: -1, out: '', err: '' }
  result.code = await main([...args], {
    env,
    out: (text) => void (result.out += text),
    err: (text) => void (result.err += text),
    read: async () => input,
    ended: async () => {},
  })
  return result
}

/** The same, and its output read as JSON. */
export async function runJson(
  args: readonly string[],
  env: Record<string, string | undefined>,
  input?: string,
): Promise<{ code: number; err: string; value: unknown }> {
  const { code, out, err } = await run([...args, '--json'], env, input)
  return { code, err, value: JSON.parse(out) }
}
