import { execFile } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import ts from 'typescript'
import { describe, expect, onTestFinished, test } from 'vitest'
import { findHoles, type Peer } from '../../src/setup/peers.js'

/*
 * What is published, what it pulls in, and what has to be written in its pages.
 */

const root = fileURLToPath(new URL('../../', import.meta.url))
const read = (file: string) => readFileSync(join(root, file), 'utf8')

interface Entry {
  dependencies?: Record<string, string>
  hasInstallScript?: boolean
  integrity?: string
  link?: boolean
}

// They are npm's own.
const manifest = JSON.parse(read('package.json')) as Entry & {
  scripts: Record<string, string>
  files: string[]
  peerDependencies: Record<Peer, string>
  publishConfig: object
}
const lock = (JSON.parse(read('package-lock.json')) as { packages: Record<string, Entry> }).packages

describe('what is published', () => {
  // proves: SUP-1
  test('runs nothing when it is installed', () => {
    const hooks = /^(?:pre|post)?(?:install|uninstall|prepare|publish|pack|dependencies)(?:Only)?$/
    expect(Object.keys(manifest.scripts).filter((name) => hooks.test(name))).toEqual([])
    const runtime = runtimeTree()
    expect(runtime.filter((name) => lock[`node_modules/${name}`]?.hasInstallScript)).toEqual([])
  })

  // proves: SUP-1
  test('is what was built, and no file beside it', async () => {
    expect(manifest.files).toEqual([
      'dist',
      'docs',
      'examples',
      'CHANGELOG.md',
      'CONTRIBUTING.md',
      'SECURITY.md',
    ])
    expect(manifest.publishConfig).toEqual({ access: 'public', provenance: true })
    const { stdout } = await promisify(execFile)(
      'npm',
      ['pack', '--dry-run', '--json', '--ignore-scripts'],
      { cwd: root },
    )
    const [packed] = JSON.parse(stdout) as { files: { path: string }[] }[]
    const paths = packed?.files.map(({ path }) => path) ?? []
    const allowed =
      /^(?:package\.json|LICENSE|[A-Z]+\.md|docs\/[\w/-]+\.(?:md|txt|png)|examples\/[\w./-]+\.(?:tsx?|js|css|json)|dist\/(?:src|adapters)\/[\w/-]+\.(?:js|d\.ts|css))$/
    expect(paths.filter((path) => !allowed.test(path))).toEqual([])
    expect(paths).toEqual(expect.arrayContaining(['LICENSE', 'README.md', 'package.json']))
  }, 20_000)

  // proves: SUP-1
  test('pulls in five packages, each for a reason that is written down', () => {
    const five = [
      'libphonenumber-js',
      'passport-custom',
      'rate-limiter-flexible',
      'sms-segments-calculator',
      'undici',
    ]
    expect(Object.keys(manifest.dependencies ?? {})).toEqual(five)
    const reasons =
      /## Runtime dependencies\n(.*?)\n## /s.exec(read('docs/decisions.md'))?.[1] ?? ''
    for (const name of five) expect(reasons).toMatch(new RegExp(`^\\*\\*${name}\\*\\* `, 'm'))
    // Those of the five: two more that run, and types.
    const rest = runtimeTree().filter((name) => !five.includes(name))
    expect(rest.filter((name) => !/^@types\/|^undici-types$/.test(name))).toEqual([
      'passport-strategy',
      'grapheme-splitter',
    ])
  })

  // proves: SUP-1
  test('is built from packages that are pinned by their content', () => {
    const entries = Object.entries(lock).filter(([path, { link }]) => path !== '' && !link)
    expect(entries.length).toBeGreaterThan(100)
    expect(entries.filter(([, { integrity = '' }]) => !integrity.startsWith('sha512-'))).toEqual([])
  })
})

/** What an app gets with this package, but for its peers. */
function runtimeTree(): string[] {
  const found = new Set<string>()
  const add = ({ dependencies = {} }: Entry) => {
    for (const name of Object.keys(dependencies)) {
      const entry = lock[`node_modules/${name}`]
      if (!entry) throw new Error(`${name} is not in the lockfile`)
      if (found.has(name)) continue
      found.add(name)
      add(entry)
    }
  }
  add(manifest)
  return [...found]
}

// proves: SUP-2
test.each(['express', 'koa', 'passport'] as const)(
  'no version of %s that the package takes has a hole that concerns sign-ins',
  async (peer) => {
    const ranges = manifest.peerDependencies[peer].split(' || ')
    expect(ranges.length).toBeGreaterThan(1)
    for (const range of ranges) {
      const [lowest = ''] = /^\^(\d+(?:\.\d+){0,2})$/.exec(range)?.slice(1) ?? []
      const version = [...lowest.split('.'), '0', '0'].slice(0, 3).join('.')
      expect(version).toMatch(/^\d+\.\d+\.\d+$/)
      expect([range, findHoles([peer], [await install(peer, version)])]).toEqual([range, []])
    }
    // It would find one.
    const [oldest = ''] = /\d+/.exec(ranges[0] ?? '') ?? []
    const before = peer === 'passport' ? '0.5.3' : `${oldest}.0.0`
    expect(findHoles([peer], [await install(peer, before)])).toHaveLength(1)
  },
)

/** A file from which this version is found. */
async function install(name: string, version: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'tyntec-otp-peers-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const place = join(folder, 'node_modules', name)
  await mkdir(place, { recursive: true })
  await writeFile(join(place, 'package.json'), JSON.stringify({ name, version }))
  return join(folder, 'app.js')
}

describe('the source', () => {
  const files = ['src', 'adapters', 'examples', 'bench', 'tools'].flatMap((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      // The bench has dependencies of its own.
      .filter((file) => /\.(?:ts|mjs|cjs)$/.test(file) && !file.startsWith('node_modules/'))
      .map((file) => `${folder}/${file}`),
  )

  // proves: KEY-1
  test('has no key in it', () => {
    const found = files.flatMap((file) => literalsOf(file).map((text) => [file, text] as const))
    expect(found.length).toBeGreaterThan(500)
    expect(found.filter(([, text]) => looksLikeKey(text))).toEqual([])
    // It would find one.
    expect(looksLikeKey('pN8rT2vX5zB1cD4fG7hJ9kL3mQ6sW0y')).toBe(true)
    expect(looksLikeKey('9f86d081884c7d659a2feaa0c55ad015')).toBe(true)
  })

  // proves: KEY-1
  test('takes no setting from the environment but NODE_ENV, and where the way to the internet is', () => {
    const product = files.filter((file) => /^(?:src|adapters)\/(?!sandbox|cli)/.test(file))
    const read = product.flatMap((file) => [
      ...readFileSync(join(root, file), 'utf8').matchAll(/process\.env\b(\.\w+)?/g),
    ])
    expect(new Set(read.map(([name]) => name))).toEqual(
      new Set(['process.env.NODE_ENV', 'process.env.https_proxy', 'process.env.HTTPS_PROXY']),
    )
  })
})

function literalsOf(file: string): string[] {
  const source = ts.createSourceFile(file, read(file), ts.ScriptTarget.Latest)
  const found: string[] = []
  const visit = (node: ts.Node): void => {
    if (ts.isStringLiteralLike(node) || ts.isTemplateHead(node)) found.push(node.text)
    ts.forEachChild(node, visit)
  }
  visit(source)
  return found
}

/** A row of signs as a generator makes it: long, with digits, and no words. An otpId is none. */
function looksLikeKey(text: string): boolean {
  const ids = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g
  return (text.replace(ids, '').match(/[A-Za-z0-9+/_=-]{20,}/g) ?? []).some((word) => {
    const digits = word.replace(/\D/g, '').length
    const signs = new Set(word).size
    return digits >= 4 && digits < word.length && signs >= 10 && !/[a-z]{6,}/i.test(word)
  })
}

/** A page as one line of words, for sentences that are broken anywhere. */
const words = (file: string) => read(file).replace(/\s+/g, ' ')

describe('who reads the pages learns', () => {
  // proves: DOC-1
  test.each<[string, string, RegExp[]]>([
    [
      'what a code by SMS is worth',
      'README.md',
      [
        /## What SMS can't do/,
        /restricted authenticator: assurance level 1 at most/,
        /level 3/,
        /SIM swap/,
        /a second way in for people who lose their number/,
        /`challenge`.*verify function/,
      ],
    ],
    [
      'what tyntec gets, and how long it is waited for',
      'docs/guides/production.md',
      [
        /## What tyntec gets/,
        /number and code in the query of the URL/,
        /A resend repeats the same code/,
        /2 s to connect and 8 s in all/,
        /No POST is repeated/,
      ],
    ],
    [
      'which limits hold, and that no stranger can use them up',
      'docs/guides/limits.md',
      [/## Limits/, /whatever strangers do to the number/, /`flow.unlock\(number\)`/],
    ],
    [
      'what the package is for, what it is not for, and how to report',
      'SECURITY.md',
      [
        /## Reporting.*security advisories, not in an issue/,
        /## What the package is for/,
        /## What it is not for/,
        /## What is a vulnerability, and what is not/,
        /## What is stored, and for how long/,
        /## A restricted authenticator/,
        /## Residual risks/,
        /\(docs\/security\.md\)/,
      ],
    ],
    [
      'what is left over: part 6 of the checklist',
      'SECURITY.md',
      [
        /SS7/,
        /relays the code in real time/,
        /alternative/,
        /repeats the same code/,
        /in the query of a URL/,
        /how the code is drawn/,
        /mutual TLS/,
        /Redis replicates asynchronously/,
        /Not verified against the live API/,
        /VoIP/,
      ],
    ],
  ])('%s', (_, file, sentences) => {
    const page = words(file)
    expect(sentences.filter((sentence) => !sentence.test(page))).toEqual([])
  })
})
