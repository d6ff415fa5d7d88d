// Makes what browsers load out of src/browser: the page's script, as a text in the sources, so that
// it is there wherever the package runs (from a folder, bundled, not built), and the package's
// `./browser`. Run by `npm run build`; a test fails while the text is older than its sources.
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = resolve(import.meta.dirname, '..')
const generated = resolve(root, 'src/page/script.ts')

/** The text of an entry with all that it imports. */
export async function bundle(entry: 'index' | 'page'): Promise<string> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [`src/browser/${entry}.ts`],
    bundle: true,
    minify: true,
    format: 'esm',
    target: 'es2022',
    charset: 'utf8',
    write: false,
  })
  return outputFiles[0]?.text.trim() ?? ''
}

/** What src/page/script.ts has to be. */
export async function pageScript(): Promise<string> {
  const text = JSON.stringify(await bundle('page'))
  return `/** Made of src/browser/page.ts by \`npm run build\`. */\nexport const script =\n  ${text}\n`
}

export function readPageScript(): Promise<string> {
  return readFile(generated, 'utf8')
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const dist = resolve(root, 'dist/src/browser')
  await mkdir(dist, { recursive: true })
  await writeFile(`${dist}/index.js`, `${await bundle('index')}\n`)
  const script = await pageScript()
  // Untouched when it is right, so that nothing that watches files starts again.
  if (script !== (await readPageScript().catch(() => ''))) await writeFile(generated, script)
}
