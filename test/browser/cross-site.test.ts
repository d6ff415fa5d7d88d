import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Page } from 'playwright-core'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { type AppOptions, number, setupApp } from '../support/app.js'
import { open } from './browser.js'

/**
 * Each way a page has to make a browser post, without asking whether it may. What it posts is behind
 * the `#` of its address, which no server sees.
 */
const evilPage = `<!doctype html><title>evil</title><body><script>
  const { url, body } = JSON.parse(decodeURIComponent(location.hash.slice(1)))
  const add = (tag, attributes, parent = document.body) =>
    parent.appendChild(Object.assign(document.createElement(tag), attributes))
  const post = (enctype, fields, index) => {
    add('iframe', { name: 'frame' + index })
    const form = add('form', { method: 'post', action: url, enctype, target: 'frame' + index })
    for (const [name, value] of fields) add('input', { name, value }, form)
    form.submit()
    return form.outerHTML
  }
  // A form of plain text writes name=value: the equals sign goes where JSON does not mind it.
  const json = JSON.stringify({ ...body, x: '=' }).split('=')
  const form = post('application/x-www-form-urlencoded', Object.entries(body), 1)
  post('text/plain', [json], 2)
  post('multipart/form-data', Object.entries(body), 3)
  const script = '<script>document.forms[0].target = "_self"; document.forms[0].submit()</' + 'script>'
  const filled = form.replaceAll('<input', () => '<input value="' + Object.values(body)[0] + '"')
  add('iframe', { sandbox: 'allow-forms allow-scripts', srcdoc: filled + script })
  const fields = new URLSearchParams(body)
  add('img', { src: url + '?' + fields })
  const options = { method: 'POST', mode: 'no-cors', credentials: 'include' }
  fetch(url, { ...options, body: fields })
  fetch(url, { ...options, body: JSON.stringify(body) })
  const headers = { 'content-type': 'application/json' }
  fetch(url, { ...options, mode: 'cors', headers, body: JSON.stringify(body) }).catch(() => {})
  navigator.sendBeacon(url, fields)
</script>`
/** The same as a whole page, with which a browser sends more cookies than with others. */
const wholePage = `<!doctype html><body><form method="post"></form><script>
  const [form] = document.forms
  form.action = JSON.parse(decodeURIComponent(location.hash.slice(1))).url
  form.submit()
</script>`
/** What of them arrives at the app as a POST: a browser asks first about JSON, and is not allowed. */
const posts = 7

const ownPage = `<!doctype html><title>own</title><form method="post" action="/login/send">
  <input name="number"><button>Send code</button></form>`

/** An app that notes what it is asked, and other people's pages. */
async function setup(framework: 'express 5' | 'koa 3') {
  const seen: { method: string; path: string; site: unknown }[] = []
  const options: Pick<AppOptions, 'express' | 'koa'> = {
    express: (app) =>
      app.use((req, res, next) => {
        seen.push({ method: req.method, path: req.path, site: req.headers['sec-fetch-site'] })
        if (req.path === '/own') res.type('html').send(ownPage)
        else next()
      }),
    koa: (app) =>
      app.use((ctx, next) => {
        seen.push({ method: ctx.method, path: ctx.path, site: ctx.headers['sec-fetch-site'] })
        if (ctx.path !== '/own') return next()
        ctx.type = 'html'
        ctx.body = ownPage
        return undefined
      }),
  }
  const router = { successRedirect: '/own', failureRedirect: '/own' }
  const app = await setupApp({ framework, router, ...options })

  const server = createServer((req, res) => {
    res.setHeader('Content-Type', 'text/html')
    res.end(req.url === '/whole' ? wholePage : evilPage)
  })
  server.listen(0)
  await once(server, 'listening')
  onTestFinished(async () => {
    server.close()
    server.closeAllConnections()
    await once(server, 'close')
  })
  const { port } = server.address() as AddressInfo // it listens on a port
  return {
    app,
    /** A page of another site, or one of another server of the same site, that posts a body. */
    evil(site: 'cross-site' | 'same-site', path: string, body: object, page = '') {
      const host = site === 'cross-site' ? 'localhost' : '127.0.0.1'
      const what = JSON.stringify({ url: `${app.base}/login/${path}`, body })
      return `http://${host}:${port}/${page}#${encodeURIComponent(what)}`
    },
    /** Asks for a code on the app's own page. */
    async own(page: Page) {
      await page.goto(`${app.base}/own`)
      await page.getByRole('textbox').fill(number)
      await page.getByRole('button').click()
      return app.sandbox.waitForCode(number)
    },
    posted: (path: string) =>
      seen.filter((each) => each.method === 'POST' && each.path === `/login/${path}`),
  }
}

describe.each(['express 5', 'koa 3'] as const)('a page of others, on %s', (framework) => {
  // proves: CSRF-1
  test.each(['cross-site', 'same-site'] as const)('sends no code: %s', async (site) => {
    const { app, evil, own, posted } = await setup(framework)
    const { page } = await open()
    await page.goto(evil(site, 'send', { number }))
    await vi.waitFor(() => expect(posted('send')).toHaveLength(posts), 15_000)
    // The one in the sandbox is nobody's, and so another site's.
    const sites = new Set(posted('send').map((each) => each.site))
    expect([...sites].toSorted()).toEqual([...new Set(['cross-site', site])].toSorted())
    expect(await page.context().cookies(app.base)).toEqual([])
    expect(await app.requests()).toEqual([])

    // The app's own page, in the same browser.
    expect(await own(page)).toMatch(/^\d{6}$/)
    await vi.waitFor(async () =>
      expect((await page.context().cookies(app.base)).map(({ name }) => name)).toEqual(['otp']),
    )
    expect(await app.requests()).toEqual(['send'])
  })

  // proves: CSRF-2
  test.each(['cross-site', 'same-site'] as const)(
    'neither signs anybody in, nor out of a flow: %s',
    async (site) => {
      const { app, evil, own, posted } = await setup(framework)
      const attacker = app.client()
      await attacker.post('/login/send', { number: '+12015550101' })
      const code = await app.sandbox.waitForCode('+12015550101')

      const { page } = await open()
      const good = await own(page)
      const jar = () => page.context().cookies(app.base)
      await vi.waitFor(async () => expect(await jar()).toHaveLength(1))
      const before = await jar()
      for (const [path, body] of [
        ['check', { code }],
        ['cancel', { x: '1' }],
        ['resend', { x: '1' }],
      ] as const) {
        await page.goto('about:blank')
        await page.goto(evil(site, path, body))
        await vi.waitFor(() => expect(posted(path)).toHaveLength(posts), 15_000)
      }
      await page.goto(evil(site, 'cancel', {}, 'whole'))
      await page.waitForURL(`${app.base}/login/cancel`)
      expect(await page.locator('body').textContent()).toContain('cross_site')

      expect(await jar()).toEqual(before)
      expect(await app.requests()).toEqual(['send', 'send'])
      expect(app.sessions.records.size).toBe(0)
      const signedIn = await page.context().request.post(`${app.base}/login/check`, {
        data: { code: good },
      })
      expect(signedIn.status()).toBe(200)
    },
  )
})
