/**
 * `npm run release-notes -- v1.2.3` prints what CHANGELOG.md says of that version. It fails when
 * there is nothing, and when package.json has another version.
 */
import { readFileSync } from 'node:fs'

const root = new URL('../', import.meta.url)
const version = process.argv[2]?.replace(/^v/, '')
const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
  version: string
}
if (version !== manifest.version) {
  throw new Error(
    `${version ?? 'no version'} is asked for, and package.json has ${manifest.version}`,
  )
}
const sections = readFileSync(new URL('CHANGELOG.md', root), 'utf8').split(/^## /m)
const section = sections.find((text) => /^\[?([\w.-]+)/.exec(text)?.[1] === version)
const notes = section?.slice(section.indexOf('\n')).trim()
if (!notes) throw new Error(`CHANGELOG.md says nothing of ${version}`)
console.log(notes)
