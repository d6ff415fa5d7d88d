import { readFile } from 'node:fs/promises'

const types: Record<string, string> = {
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
}

/** A file of `client`, by its name: the pattern lets nobody out of that folder. */
export async function readAsset(name: string): Promise<{ type: string; body: string } | undefined> {
  const type = types[/^[a-z-]+\.(css|js)$/.exec(name)?.[1] ?? '']
  if (type === undefined) return undefined
  try {
    return { type, body: await readFile(new URL(`client/${name}`, import.meta.url), 'utf8') }
  } catch {
    return undefined
  }
}
