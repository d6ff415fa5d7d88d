/**
 * `npm run peers -- oldest` (or `newest`) installs the oldest or the newest versions that
 * package.json allows of each peer, beside the rest of node_modules and without saving it, so that
 * the tests run on them. `npm ci` undoes it.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const manifest = JSON.parse(
  readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
) as Record<'peerDependencies' | 'devDependencies', Record<string, string>>
const [age] = process.argv.slice(2)
if (age !== 'oldest' && age !== 'newest') throw new Error('npm run peers -- oldest | newest')

// Two ranges that have one place, as those of Passport, are its oldest and its newest.
const wanted = new Map<string, string>()
for (const [peer, ranges] of Object.entries(manifest.peerDependencies)) {
  for (const range of ranges.split('||').map((text) => text.trim())) {
    const place = placeOf(peer, range)
    if (age === 'newest') wanted.set(place, `${peer}@${range}`)
    else if (!wanted.has(place)) wanted.set(place, `${peer}@${oldestOf(range)}`)
  }
}
const packages = [...wanted].map(([place, version]) => `${place}@npm:${version}`)
console.log(packages.join('\n'))
const args = ['install', '--no-save', '--no-audit', '--no-fund', ...packages]
const { status } = spawnSync('npm', args, { stdio: 'inherit' })
process.exitCode = status ?? 1

/** Where the tests look for it: `express` is one major version, `express-4` the other. */
function placeOf(peer: string, range: string): string {
  const alias = `${peer}-${range.replace(/^[\^~]/, '').split('.')[0]}`
  return alias in manifest.devDependencies ? alias : peer
}

function oldestOf(range: string): string {
  const [major = '', minor = '0', patch = '0'] = range.replace(/^[\^~]/, '').split('.')
  return `${major}.${minor}.${patch}`
}
