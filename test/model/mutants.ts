/*
 * Takes one protection after the other out of a copy of `src` and counts the runs until the model
 * finds it: `node --import tsx test/model/mutants.ts [name]`. What is not found here, the model does
 * not protect.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { search } from './search.js'
import type { Subject } from './subject.js'
import { timedMemory } from './timed.js'

interface Mutant {
  name: string
  file: string
  /** Taken out, and what comes instead. The text has to be there once. */
  change: [string, string]
}

const memory = 'store/memory.ts'
const check = 'flow/check.ts'

const mutants: Mutant[] = [
  {
    name: 'a running check does not keep others out',
    file: memory,
    change: [`if (tried?.state === 'checking' && tried.lease > now) {`, `if (tried?.id === '-') {`],
  },
  {
    name: 'the lease of a check never ends',
    file: memory,
    change: [
      `if (tried?.state === 'checking' && tried.lease > now) {`,
      `if (tried?.state === 'checking') {`,
    ],
  },
  {
    name: 'tries are not counted',
    file: memory,
    change: ['flow.attempts += 1', ''],
  },
  {
    name: 'time passes between looking at a try and counting it',
    file: memory,
    change: [
      'flow.attempts += 1\n',
      'await new Promise((resolve) => setImmediate(resolve))\n      flow.attempts += 1\n',
    ],
  },
  {
    name: 'failures of a number are not counted',
    file: memory,
    change: ['charge(ref.number, request.attempt, rules, failed)\n', ''],
  },
  {
    name: 'a number that has failed too often need not wait',
    file: memory,
    change: ['if (failed.wait > now) {', 'if (failed.wait > Number.MAX_VALUE) {'],
  },
  {
    name: 'a wrong code gives its charge back',
    file: memory,
    change: [
      `        if (flow.attempts < rules.attempts) return\n`,
      `        refund(ref, tried)\n        if (flow.attempts < rules.attempts) return\n`,
    ],
  },
  {
    name: 'a number has no cooldown between flows',
    file: memory,
    change: [`if (wait > 0) return { status: 'too_soon', retryAfter: Math.ceil(wait / 1000) }`, ''],
  },
  {
    name: 'a flow has no wait before a resend',
    file: memory,
    change: [`if (left > 0) return { status: 'too_soon', retryAfter: Math.ceil(left / 1000) }`, ''],
  },
  {
    name: 'a send is not bound to its reservation',
    file: memory,
    change: ['if (!flow || flow.reference !== reference) return false', 'if (!flow) return false'],
  },
  {
    name: 'a running resend does not keep another out',
    file: memory,
    change: [`if (flow.lease > now) return { status: 'busy' }`, ''],
  },
  {
    name: 'a flow is not looked up before it is renewed',
    file: memory,
    change: [
      `      if (flow.state !== 'pending' && !request.lookedUp) {\n        return { status: 'lookup', record: view(flow) }\n      }\n      const renew`,
      `      const renew`,
    ],
  },
  {
    name: 'complete does not consume the flow',
    file: memory,
    change: [`finish(ref, flow, 'completed', 'used')`, ''],
  },
  {
    name: 'complete does not look whether the flow has ended',
    file: memory,
    change: [`if (flow.state !== 'verified') return false`, ''],
  },
  {
    name: 'a proven flow is proven for any code',
    file: memory,
    change: [
      `if (tried?.state !== 'verified' || !same) return`,
      `if (tried?.state !== 'verified') return`,
    ],
  },
  {
    name: 'a proof settles a flow that has ended',
    file: memory,
    change: [
      `if (flow?.state !== 'pending') return { status: 'stale' }\n      flow.state = 'verified'`,
      `if (!flow) return { status: 'stale' }\n      flow.state = 'verified'`,
    ],
  },
  {
    name: 'a stale try settles the try of another request',
    file: memory,
    change: [
      `if (flow?.state !== 'pending' || tried?.id !== attempt) return`,
      `if (flow?.state !== 'pending' || !tried) return`,
    ],
  },
  {
    name: 'a try that may still land is forgotten',
    file: memory,
    change: ['if (!result.late) {', '{'],
  },
  {
    name: 'a try without a known end is forgotten after a minute',
    file: memory,
    change: [`if (!tried) return flow.open ? '*' : undefined`, `if (!tried) return undefined`],
  },
  {
    name: 'complete is true for every opener',
    file: memory,
    change: [
      `if (flow.state === 'completed') return flow.opener === opener`,
      `if (flow.state === 'completed') return true`,
    ],
  },
  {
    name: 'a try that may still land is forgotten after a wrong code',
    file: memory,
    change: [`return tried.open === tried.hash ? undefined : tried.open`, `return undefined`],
  },
  {
    name: 'a cancelled flow takes codes',
    file: memory,
    change: [
      `      const record = view(flow)\n      finish(ref, flow, 'dead', end)\n      return record`,
      `      return view(flow)`,
    ],
  },
  {
    name: '410 VERIFIED is taken for a proof',
    file: check,
    change: [`answer.end === 'verified' && tried.earlier === 'same'`, `answer.end === 'verified'`],
  },
  {
    name: 'VERIFIED proves whichever code is typed next',
    file: check,
    change: [
      `if (sameCode && tried.earlier !== 'other') return accept(context, tried)`,
      'return accept(context, tried)',
    ],
  },
  {
    name: 'VERIFIED proves a code although another may have landed',
    file: check,
    change: [
      `otp?.otpStatus === 'VERIFIED' && tried.earlier !== 'other'`,
      `otp?.otpStatus === 'VERIFIED'`,
    ],
  },
  {
    name: 'a lost answer to a check is taken for yes',
    file: check,
    change: [
      `  await settle(context, tried, { result: 'unresolved' })\n  throw failure`,
      '  return accept(context, tried)',
    ],
  },
  {
    name: 'a lost answer to a check gives the try back',
    file: check,
    change: [
      `  await settle(context, tried, { result: 'unresolved' })\n  throw failure`,
      `  await settle(context, tried, { result: 'unprocessed', late: false })\n  throw failure`,
    ],
  },
  {
    name: 'a lost answer to a send is sent again',
    file: 'flow/deliver.ts',
    change: [
      'const secondsLeft = leaseLeft(started)',
      `await tyntec.otp.send({ number, via: viaOf(order.via), referenceId: reference, pinLength: options.pinLength }).catch(() => {})\n    const secondsLeft = leaseLeft(started)`,
    ],
  },
  {
    name: 'a lost answer to a send counts as not sent',
    file: 'flow/deliver.ts',
    change: [`if (error.processed === 'no') {`, `if (error.processed !== undefined) {`],
  },
  {
    name: 'a lost answer to a resend counts as not sent',
    file: 'flow/resend.ts',
    change: [`if (error.processed === 'no') {`, `if (error.processed !== undefined) {`],
  },
  {
    name: 'any OTP of the number is taken for the lost send',
    file: 'flow/lookup.ts',
    change: ['otps.find(({ referenceId }) => referenceId === reference)', 'otps.at(-1)'],
  },
  {
    name: 'a message is not taken from the limits again after its refund',
    file: 'flow/reserve.ts',
    change: [
      'if (!taken.refused) return { ...reservation.value, taken }',
      'return { ...reservation.value, taken }',
    ],
  },
  {
    name: 'a send that is out gives its number the message back',
    file: 'flow/send.ts',
    change: [
      `if (error instanceof OtpError && error.processed === 'no') await`,
      `if (error instanceof OtpError) await`,
    ],
  },
]

const only = process.argv[2]
const most = Number(process.env.MUTANT_RUNS ?? 3000)

for (const mutant of mutants) {
  if (only !== undefined && !mutant.name.includes(only)) continue
  const folder = mkdtempSync(join(tmpdir(), 'tyntec-otp-mutant-'))
  try {
    const subject = await build(folder, mutant)
    const started = performance.now()
    const found = await search({
      subject,
      store: () => timedMemory(subject),
      mode: 'both',
      runs: most,
      seed: Number(process.env.MODEL_SEED ?? 1),
      shrink: false,
    })
    const time = ((performance.now() - started) / 1000).toFixed(1)
    const [reason = ''] = found?.report.replace(/^Violation: Error: /, '').split('\n') ?? []
    console.log(
      `| ${mutant.name} | ${found ? found.runs : `not in ${most}`} | ${time} s | ${reason} |`,
    )
  } finally {
    rmSync(folder, { recursive: true })
  }
}
process.exit(0)

async function build(folder: string, { name, file, change }: Mutant): Promise<Subject> {
  const root = new URL('../../', import.meta.url)
  cpSync(new URL('src', root), join(folder, 'src'), { recursive: true })
  cpSync(new URL('package.json', root), join(folder, 'package.json'))
  symlinkSync(new URL('node_modules', root), join(folder, 'node_modules'))
  const path = join(folder, 'src', file)
  const text = readFileSync(path, 'utf8')
  const [before, after] = change
  if (text.split(before).length !== 2) throw new Error(`${file} has changed: ${name}`)
  writeFileSync(
    path,
    text.replace(before, () => after),
  )
  const load = (module: string): Promise<unknown> =>
    import(pathToFileURL(join(folder, 'src', module)).href)
  // A copy of what `subject.ts` imports.
  return Object.assign(
    {},
    await load('index.ts'),
    await load('secrets.ts'),
    await load('store/memory.ts'),
  ) as Subject
}
