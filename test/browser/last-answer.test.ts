import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { type App, type AppOptions, number, setupApp } from '../support/app.js'
import { sessionSettings } from '../support/session-settings.js'
import { type SlowLine, slowLine } from '../support/slow-line.js'
import { open } from './browser.js'

/*
 * What becomes of a sign-in whose answer is slow, doubled, lost or late, in a browser: it keeps the cookies, gives up
 * answers that it no longer waits for, and takes others in the order they come.
 */

const withoutScripts = { javaScriptEnabled: false }

const cases = (['express', 'koa'] as const).flatMap((kind) =>
  sessionSettings[kind].map((session) => ({
    framework: kind === 'express' ? ('express 5' as const) : ('koa 3' as const),
    session,
  })),
)

interface Visit {
  app: App
  line: SlowLine
  page: Page
  posts: string[]
  code: string
}

/** A browser whose page asks for the code, which has come. */
async function visit(
  options: Pick<AppOptions, 'framework'> & Partial<AppOptions>,
  context?: Parameters<typeof open>[0],
): Promise<Visit> {
  const app = await setupApp({
    page: { name: 'Acme' },
    express: (app) =>
      app.get('/', (_req, res) => void res.type('html').send('<title>Home</title>')),
    koa: (app) =>
      app.use(async (ctx, next) => {
        if (ctx.path !== '/') return next()
        ctx.type = 'html'
        ctx.body = '<title>Home</title>'
      }),
    ...options,
  })
  const line = await slowLine(app.base)
  const { page, posts } = await open(context)
  await page.goto(`${line.url}/login`)
  // The app's session from before the sign-in.
  await page.context().request.post(`${line.url}/plant`, { data: { cart: 1 } })
  await page.getByLabel('Mobile number').fill(number)
  await page.getByRole('button', { name: 'Send code' }).click()
  await page.getByLabel('Security code').waitFor()
  return { app, line, page, posts, code: await app.sandbox.waitForCode(number) }
}

/** Presses, as often as there are pauses before it. A browser sends each, unless its page has a script. */
async function press({ page, line, code }: Visit, pauses: readonly number[]): Promise<void> {
  await page.getByLabel('Security code').fill(code)
  const box = await page.getByRole('button', { name: 'Continue' }).boundingBox()
  if (!box) throw new Error('there is no button')
  line.slow(400)
  for (const pause of pauses) {
    await page.waitForTimeout(pause)
    // A locator would wait for the page that comes.
    await page.mouse.click(box.x + box.width / 2, box.y + box.height / 2)
  }
}

const checksOf = (posts: string[]) => posts.filter((path) => path === '/login/check')

/** By the cookies that the browser has now. */
async function me({ page, line }: Visit): Promise<unknown> {
  const answer = await page.context().request.get(`${line.url}/me`)
  return answer.status() === 200 ? answer.json() : answer.status()
}

/** Each press gives up the page that was to come, so that Playwright has none to wait for. */
async function home({ page, line }: Visit): Promise<void> {
  await expect.poll(() => page.url(), { timeout: 15_000 }).toBe(`${line.url}/`)
}

async function expectOneSignIn(visited: Visit): Promise<void> {
  const { app } = visited
  expect(await me(visited)).toEqual({ user: { number } })
  expect(app.sessions.signedIn()).toHaveLength(1)
  expect((await app.requests()).filter((call) => call === 'check')).toHaveLength(1)
}

describe('over a slow line', () => {
  // proves: SES-16, SES-17
  test.each(cases)(
    'a double click on "Continue" signs in, once, on $framework with $session',
    async (options) => {
      const visited = await visit(options, withoutScripts)
      const { app, posts } = visited
      await press(visited, [0, 120])
      await home(visited)
      expect(checksOf(posts)).toHaveLength(2)
      await expectOneSignIn(visited)
      expect(app.verified.filter(({ repeated }) => !repeated)).toHaveLength(1)
    },
  )

  // proves: SES-16, SES-18
  test.each(['express 5', 'koa 3'] as const)(
    'an app that takes seconds is asked once for four presses, on %s',
    async (framework) => {
      let asked = 0
      const visited = await visit(
        {
          framework,
          async verify({ number }) {
            asked += 1
            await new Promise((resolve) => setTimeout(resolve, 2500))
            return { number }
          },
        },
        withoutScripts,
      )
      const { posts } = visited
      await press(visited, [0, 500, 700, 200])
      await home(visited)
      expect(checksOf(posts)).toHaveLength(4)
      expect(asked).toBe(1)
      await expectOneSignIn(visited)
    },
  )

  test.each(['express 5', 'koa 3'] as const)(
    'the script of the page sends a double click once, on %s',
    async (framework) => {
      const visited = await visit({ framework })
      const { posts } = visited
      await press(visited, [0, 120])
      await home(visited)
      expect(checksOf(posts)).toHaveLength(1)
      await expectOneSignIn(visited)
    },
  )

  // proves: SES-16
  test.each(['express 5', 'koa 3'] as const)(
    'an answer that was lost is had again by sending the page again, on %s',
    async (framework) => {
      const visited = await visit({ framework }, withoutScripts)
      const { app, line, page } = visited
      // The second one is that of the browser, which tries once more by itself.
      const lost = [line.lose('/login/check'), line.lose('/login/check')]
      await press(visited, [0])
      await Promise.all(lost)
      await expect.poll(() => page.url()).toBe('chrome-error://chromewebdata/')
      expect(app.sessions.signedIn()).toHaveLength(1)
      expect(await me(visited)).toBe(401)

      await page.reload()
      await home(visited)
      await expectOneSignIn(visited)
      expect(app.verified.map(({ repeated }) => repeated)).toEqual([false, true, true])
    },
  )

  // proves: SES-17
  test.each(cases.filter(({ session }) => session.rolling))(
    'an answer of before the sign-in that comes after it changes no cookie, on $framework with $session',
    async (options) => {
      const visited = await visit(options)
      const { app, line, page, code } = visited
      const late = line.hold('/login/status')
      await page.evaluate(`void (window.late = fetch('/login/status'))`)
      const { release } = await late
      const signedIn = `fetch('/login/check', {
        method: 'POST',
        headers: { 'content-type': 'application/json', accept: 'application/json' },
        body: JSON.stringify({ code: '${code}' }),
      }).then((answer) => answer.status)`
      expect(await page.evaluate(signedIn)).toBe(200)
      const session = async () =>
        (await page.context().cookies()).find(({ name }) => name === 'sid')?.value
      const before = await session()
      release()
      expect(await page.evaluate('window.late.then((answer) => answer.status)')).toBe(200)
      expect(await session()).toBe(before)
      await expectOneSignIn(visited)
      expect(app.verified).toHaveLength(1)
    },
  )
})
