import { once } from 'node:events'
import { startSandbox } from 'passport-tyntec-otp/sandbox'

const { env } = process
const port = Number(env.PORT ?? 3000)

if (!env.TYNTEC_BASE_URL) {
  const sandboxPort = Number(env.SANDBOX_PORT ?? 8026)
  const sandbox = await startSandbox({ port: sandboxPort, print: console.log }).catch((error) => {
    console.error(`The sandbox can not use port ${sandboxPort}: ${String(error)}`)
    console.error('Choose another one with SANDBOX_PORT.')
    return process.exit(1)
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
try {
  await once(server, 'listening')
} catch (error) {
  console.error(`Port ${port} can not be used: ${String(error)}. Choose another one with PORT.`)
  process.exit(1)
}
console.log(`ready http://localhost:${port}`)
