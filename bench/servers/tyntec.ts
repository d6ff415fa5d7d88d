import { startSandbox } from 'passport-tyntec-otp/sandbox'

// The simulated tyntec. The load asks for the code of a number, and gets `{ number, code }`.

const sandbox = await startSandbox()

process.send?.({ port: Number(new URL(sandbox.url).port) })
process.on('message', (message) => {
  if (message === 'stop') return process.disconnect()
  const { number } = message as { number: string } // the only other message there is
  void sandbox.waitForCode(number).then((code) => process.send?.({ number, code }))
})
process.once('disconnect', () => void sandbox.close())
