import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { startSandbox } from '../../src/sandbox/index.js'
import { type Client, createClient } from '../support/client.js'

/*
 * The programs in README run as they are printed there, with what the sandbox tells people to export,
 * and people sign in at them.
 */

const root = fileURLToPath(new URL('../../', import.meta.url))
const readme = readFileSync(`${root}README.md`, 'utf8')

describe.each(['express', 'koa'])('the program on %s', (framework) => {
  let program: Program
  beforeAll(async () => {
    program = await startProgram(framework)
  })
  afterAll(() => program.stop())

  test('signs in by the forms', async () => {
    const { client, signedInAs } = program.visit()
    const [send, check] = formsOf(readme)
    const headers = { accept: 'text/html' }
    const sent = await client.submit(send.action, { [send.field]: '+1 201 555 0101' }, { headers })
    expect(sent).toMatchObject({ status: 303, headers: { location: './' } })
    const checked = await client.submit(
      check.action,
      { [check.field]: await program.code('+12015550101') },
      { headers },
    )
    expect(checked).toMatchObject({ status: 303, headers: { location: '/' } })
    expect(await signedInAs()).toBe('+12015550101')
  })

  test('signs in by fetch', async () => {
    const { client, signedInAs } = program.visit()
    const fetch = async (path: string, { body }: { body: string }) =>
      client.post(path, JSON.parse(body))
    // As a browser runs it, on a page of the app.
    const AsyncFunction = Object.getPrototypeOf(async () => {}).constructor as FunctionConstructor
    await new AsyncFunction('fetch', blockWith('await post('))(fetch)
    expect(await signedInAs()).toBe('+12015550100')
  })

  test('shows the page to a browser, and leads to it', async () => {
    const { client } = program.visit()
    expect(await client.get('/')).toMatchObject({ status: 302, headers: { location: '/login' } })
    const page = await client.get('/login', { headers: { accept: 'text/html' } })
    expect(page.status).toBe(200)
    expect(page.text).toContain('<h1>Sign in with your phone</h1>')
  })
})

test('what is exported is what the sandbox prints', async () => {
  const sandbox = await startSandbox()
  onTestFinished(sandbox.close)
  expect(readme).toContain(`TYNTEC_BASE_URL=http://127.0.0.1:8026`)
  expect(readme).toContain(`TYNTEC_API_KEY=${sandbox.apiKey}`)
})

interface Program {
  /** A new browser. */
  visit(): { client: Client; signedInAs(): Promise<string | undefined> }
  /** The code that the phone got. */
  code(to: string): Promise<string>
  stop(): Promise<void>
}

async function startProgram(framework: string): Promise<Program> {
  const sandbox = await startSandbox()
  const folder = await mkdtemp(join(tmpdir(), 'readme-'))
  await symlink(`${root}node_modules`, `${folder}/node_modules`)
  await writeFile(`${folder}/package.json`, '{ "type": "module" }')
  await writeFile(`${folder}/app.ts`, blockWith(`from '${framework}'`))
  const port = await freePort()
  const program = spawn(
    process.execPath,
    ['--import', import.meta.resolve('tsx'), `${folder}/app.ts`],
    {
      cwd: folder,
      env: {
        ...process.env,
        NODE_ENV: 'development',
        NODE_DEBUG: '',
        // So that the package's name leads to the sources.
        TSX_TSCONFIG_PATH: `${root}tsconfig.json`,
        TYNTEC_BASE_URL: sandbox.url,
        TYNTEC_API_KEY: sandbox.apiKey,
        OTP_SECRET: randomBytes(32).toString('hex'),
        SESSION_SECRET: randomBytes(32).toString('hex'),
        PORT: String(port),
      },
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  )
  let said = ''
  for (const stream of [program.stdout, program.stderr]) {
    stream.on('data', (chunk: Buffer) => (said += chunk.toString()))
  }
  const url = `http://localhost:${port}`
  const answers = () =>
    fetch(url).then(
      () => true,
      () => false,
    )
  while (!(await answers())) {
    if (program.exitCode !== null) throw new Error(`The program has ended: ${said}`)
    await sleep(50)
  }
  return {
    visit() {
      const client = createClient(url)
      const signedInAs = async () => /signed in as (\S+)\./.exec((await client.get('/')).text)?.[1]
      return { client, signedInAs }
    },
    code: (to) => sandbox.waitForCode(to),
    async stop() {
      const gone = once(program, 'exit')
      if (program.kill('SIGKILL')) await gone
      await sandbox.close()
      await rm(folder, { recursive: true })
    },
  }
}

function blockWith(text: string): string {
  const blocks = [...readme.matchAll(/^```js\n([^]*?)^```$/gm)].map(([, code = '']) => code)
  const found = blocks.filter((block) => block.includes(text))
  expect(found, `blocks with ${text}`).toHaveLength(1)
  return found[0] ?? ''
}

function formsOf(page: string): [Form, Form] {
  const forms = [...page.matchAll(/<form method="post" action="([^"]+)"><input name="([^"]+)"/g)]
  const [send, check] = forms.map(([, action = '', field = '']) => ({ action, field }))
  if (!send || !check) throw new Error('README has no two forms')
  return [send, check]
}

interface Form {
  action: string
  field: string
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  // A server that listens on a port has an address object; a string would be a pipe's.
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}
