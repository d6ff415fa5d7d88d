import { once } from 'node:events'
import { startSandbox } from 'passport-tyntec-otp/sandbox'

const { env } = process
const port = Number(env.PORT ?? 3000)

if (!env.TYNTEC_BASE_URL) {
  const sandbox = await startSandbox({
    port: Number(env.SANDBOX_PORT ?? 8026),
    print: (line) => console.log(line),
  })
  env.TYNTEC_BASE_URL = sandbox.url
  env.TYNTEC_API_KEY = sandbox.apiKey
  console.log(`sandbox ${sandbox.url} shows what phones receive`)
}

const framework = env.FRAMEWORK ?? 'express'
if (framework !== 'express' && framework !== 'koa') {
  console.error(`FRAMEWORK is 'express' or 'koa'`)
  process.exit(2)
}
const { server } = await (framework === 'koa' ? import('./koa.js') : import('./express.js'))
server.listen(port)
await once(server, 'listening')
console.log(`ready http://localhost:${port}`)
