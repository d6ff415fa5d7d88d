import { startSandbox } from 'passport-tyntec-otp/sandbox'

// The codes go to the load by themselves: asking for each would cost more than the login's own calls.
let codes: [number: string, code: string][] = []

const sandbox = await startSandbox({
  print(line) {
    if (line.startsWith('API')) return
    const [, number = '', code = ''] = line.split(/\s+/)
    if (codes.length === 0) setImmediate(flush)
    codes.push([number, code])
  },
})

function flush(): void {
  process.send?.({ codes })
  codes = []
}

process.send?.({ port: Number(new URL(sandbox.url).port) })
process.once('message', () => process.disconnect())
process.once('disconnect', () => void sandbox.close())
