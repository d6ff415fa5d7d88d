import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

let loading: Promise<string> | undefined

/** What axe has to say against the page as it is now: rules, each with the elements. */
export async function violations(page: Page): Promise<string[]> {
  loading ??= readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  // Not as a script of the page, whose policy allows none.
  await page.evaluate(await loading)
  const found = await page.evaluate<string>(
    `axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => JSON.stringify(
      violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html).join(' '))))`,
  )
  return JSON.parse(found) as string[]
}
