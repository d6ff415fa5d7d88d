import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'

/** Where a hole of a peer that concerns a sign-in was closed, in each major that was mended. */
const mended = {
  express: { since: ['4.19.2', '5.0.0'], hole: 'CVE-2024-29041' },
  koa: { since: ['2.16.4', '3.1.2'], hole: 'CVE-2026-27959' },
  passport: { since: ['0.6.0'], hole: 'CVE-2022-25896' },
} as const

export type Peer = keyof typeof mended

/**
 * Looks for installed peers with known holes, and gives a sentence about each. What can't be found, as in a
 * bundle, is not spoken of.
 *
 * @param from files from whose place a peer is looked for, the first that finds it counts
 */
export function findHoles(
  peers: readonly Peer[],
  from: readonly (string | undefined)[] = [import.meta.url, process.argv[1]],
): string[] {
  return peers.flatMap((peer) => {
    const found = [find(peer, from)]
    // It brings a copy of its own.
    const koaPassport = peer === 'passport' ? find('koa-passport', from) : undefined
    if (koaPassport) found.push(find(peer, [koaPassport.file]))
    const versions = new Set(
      found.map((each) => each?.version).filter((each) => each !== undefined),
    )
    return [...versions].filter((version) => isOld(version, mended[peer].since)).map(sentence)

    function sentence(version: string): string {
      const { since, hole } = mended[peer]
      return `${peer} ${version} is installed, which has ${hole}; ${since.join(' and ')} close it`
    }
  })
}

function find(
  name: string,
  from: readonly (string | undefined)[],
): { file: string; version: string } | undefined {
  for (const place of from) {
    if (place === undefined) continue
    try {
      const file = createRequire(place).resolve(`${name}/package.json`)
      const { version } = JSON.parse(readFileSync(file, 'utf8')) as { version?: unknown }
      if (typeof version === 'string') return { file, version }
    } catch {
      // Not installed there, or a package that hides its own description.
    }
  }
  return undefined
}

/** Older than what closed the hole in its major, or of a major that was never mended. */
function isOld(version: string, since: readonly string[]): boolean {
  const major = (text: string) => Number.parseInt(text, 10)
  const own = since.find((each) => major(each) === major(version))
  if (own !== undefined) return isBefore(version, own)
  return since.every((each) => major(version) < major(each))
}

function isBefore(version: string, other: string): boolean {
  const [mine, theirs] = [partsOf(version), partsOf(other)]
  for (const [index, part] of theirs.numbers.entries()) {
    const own = mine.numbers[index] ?? Number.NaN
    if (own !== part) return own < part
  }
  // 5.0.0-beta comes before 5.0.0.
  return mine.prerelease && !theirs.prerelease
}

function partsOf(version: string): { numbers: number[]; prerelease: boolean } {
  const [core = ''] = version.split(/[-+]/, 1)
  return { numbers: core.split('.').map(Number), prerelease: /^[\d.]+-/.test(version) }
}
