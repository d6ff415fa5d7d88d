import { once } from 'node:events'
import { OtpError } from 'passport-tyntec-otp'
import { startSandbox } from 'passport-tyntec-otp/sandbox'
import { shareClock } from './demo/clock.js'
import { showBeside } from './demo/frames.js'
import { refuseSetting, settings, wholeNumber } from './settings.js'

const { env } = process
const { port } = settings
const sandboxPort = wholeNumber('SANDBOX_PORT', 8026, 65_535)
const framework = env.FRAMEWORK || 'express'
if (framework !== 'express' && framework !== 'koa') {
  refuseSetting('FRAMEWORK', `must be express or koa, not ${JSON.stringify(framework)}.`)
}

if (!env.TYNTEC_BASE_URL) {
  const sandbox = await startSandbox({ port: sandboxPort, print: console.log }).catch(
    (error: Error) =>
      refuseSetting(
        'SANDBOX_PORT',
        `can't be ${sandboxPort}: ${error.message}. Choose another one.`,
      ),
  )
  env.TYNTEC_BASE_URL = sandbox.url
  env.TYNTEC_API_KEY = sandbox.apiKey
  // Redis has a clock of its own.
  if (!env.REDIS_URL) void shareClock(sandbox.url)
}

const { server } = await (framework === 'koa' ? import('./koa.js') : import('./express.js')).catch(
  (error: unknown) => {
    if (!(error instanceof OtpError)) throw error
    const settings =
      'OTP_SECRET is secret, TYNTEC_API_KEY apiKey, TYNTEC_BASE_URL baseUrl, BUDGET budget.'
    return refuseSetting('A setting', `is wrong. ${error.message} (${settings})`)
  },
)
showBeside(server, env.TYNTEC_BASE_URL)
server.listen(port)
try {
  await once(server, 'listening')
} catch (error) {
  const reason = error instanceof Error ? error.message : String(error)
  refuseSetting('PORT', `can't be ${port}: ${reason}. Choose another one.`)
}
const url = `http://localhost:${port}`
const toTry =
  settings.channels === 'sms'
    ? 'a number to try  +1 201 555 0100 (its code is 424242; more under "Numbers" of the phone)'
    : 'numbers to try   +1 201 555 0100 by WhatsApp, +1 201 555 0114 has none: its code comes by SMS'
console.log(`
app and phone    ${url}/demo
app alone        ${url}
phone alone      ${env.TYNTEC_BASE_URL}
${toTry}
`)
console.log(`ready ${url}`)
