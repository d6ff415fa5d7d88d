/** A bug that is planted on purpose: one protection less. */
export interface Planted {
  name: string
  /** In `src`. */
  file: string
  /** Taken out, and what comes instead. The text is there once. */
  change: [string, string]
  /** Random plans seldom meet it: the test that fails instead. */
  instead?: string
}

const claim = 'store/steps/claim.ts'
const settleCheck = 'store/steps/settle-check.ts'
const failures = 'store/steps/failures.ts'
const signIn = 'store/steps/sign-in.ts'
const send = 'store/steps/send.ts'
const resend = 'store/steps/resend.ts'
const settle = 'store/steps/settle.ts'
const verdict = 'flow/verdict.ts'

/** What the model has to find. `planted.test.ts` holds that each can be planted. */
export const planted: Planted[] = [
  {
    name: 'a running check does not keep others out',
    file: claim,
    change: [
      `if (tried !== undefined && tried.state === 'checking' && leaseOf(tried.lease, now) > now) {`,
      `if (tried !== undefined && tried.id === '-') {`,
    ],
  },
  {
    name: 'the lease of a check never ends',
    file: claim,
    change: [
      `if (tried !== undefined && tried.state === 'checking' && leaseOf(tried.lease, now) > now) {`,
      `if (tried !== undefined && tried.state === 'checking') {`,
    ],
  },
  {
    name: 'tries are not counted',
    file: claim,
    change: ['flow.attempts = (flow.attempts ?? 0) + 1\n', ''],
  },
  {
    name: 'time passes between reading a record and writing it',
    file: 'store/memory.ts',
    change: [
      'const reply = (steps[name]',
      'await new Promise((resolve) => setImmediate(resolve))\n      const reply = (steps[name]',
    ],
  },
  {
    name: 'failures of a number are not counted',
    file: failures,
    change: ['  number.failures = failed\n', ''],
  },
  {
    name: 'a number that has failed too often need not wait',
    file: failures,
    change: ['if (waitBefore > now) {', 'if (waitBefore > Number.MAX_VALUE) {'],
  },
  {
    name: 'a wrong code gives its charge back',
    file: settleCheck,
    change: [
      '  if ((flow.attempts ?? 0) < args.rules.attempts) {',
      '  if (boxes.number !== undefined) refund(boxes.number, tried, args.browserLimit, now)\n  if ((flow.attempts ?? 0) < args.rules.attempts) {',
    ],
  },
  {
    name: 'a number has no cooldown between flows',
    file: send,
    change: [
      `return wait > 0 ? { status: 'too_soon', retryAfter: Math.ceil(wait / 1000) } : undefined`,
      'return undefined',
    ],
  },
  {
    name: 'a flow has no wait before a resend',
    file: resend,
    change: [
      `return left > 0 ? { status: 'too_soon', retryAfter: Math.ceil(left / 1000) } : undefined`,
      'return undefined',
    ],
  },
  {
    name: 'a send is not bound to its reservation',
    file: settle,
    change: [
      'if (flow === undefined || boxes.flow === undefined || flow.reference !== reference) {',
      'if (flow === undefined || boxes.flow === undefined) {',
    ],
    instead: 'test/store/store.test.ts',
  },
  {
    name: 'a running resend does not keep another out',
    file: resend,
    change: [`if (isUnderWay(flow, now)) return { status: 'busy' }`, ''],
    instead: 'test/store/store.test.ts',
  },
  {
    name: 'a flow is not looked up before it is renewed',
    file: resend,
    change: [
      `if (flow.state !== 'pending' && !request.lookedUp && canBeLookedUp(flow)) {`,
      `if (flow.state === 'dead') {`,
    ],
    instead: 'test/store/store.test.ts',
  },
  {
    name: 'complete does not consume the flow',
    file: signIn,
    change: [`  flow.state = 'completed'\n  flow.end = 'used'\n`, ''],
  },
  {
    name: 'complete is true for every opener',
    file: signIn,
    change: [
      'flow.by !== args.attempt ||\n    signIn.opener !== args.opener',
      'flow.by !== args.attempt',
    ],
  },
  {
    name: 'a proven flow is proven for any code',
    file: claim,
    change: ['signIn.hash !== request.hash || ', ''],
  },
  {
    name: 'a proof settles a flow that has ended',
    file: settleCheck,
    change: [`  if (!canBeTried(flow) || !current) return { status: 'stale' }\n`, ''],
  },
  {
    name: 'a stale try settles the try of another request',
    file: settleCheck,
    change: ['tried === undefined || tried.id !== attempt', 'tried === undefined'],
    instead: 'test/store/store.test.ts',
  },
  {
    name: 'a try that may still land is forgotten',
    file: settleCheck,
    change: ['  if (late) {', `  if (tried.id === '-') {`],
    instead: 'test/store/store.test.ts',
  },
  {
    name: 'a try without a known end is forgotten after a minute',
    file: claim,
    change: [
      `if (tried === undefined) return flow.open === true ? '*' : undefined`,
      'if (tried === undefined) return undefined',
    ],
  },
  {
    name: 'a try that may still land is forgotten after a wrong code',
    file: claim,
    change: [`return tried.open === tried.hash ? undefined : tried.open`, 'return undefined'],
  },
  {
    name: 'a cancelled flow takes codes',
    file: 'store/steps/flow.ts',
    change: [
      '  const asking = leaseOf(flow.lease, now)\n',
      `  if (end === 'cancelled') return\n  const asking = leaseOf(flow.lease, now)\n`,
    ],
  },
  {
    name: '410 VERIFIED is taken for a proof',
    file: verdict,
    change: [`answer.end === 'verified' && tried.earlier === 'same'`, `answer.end === 'verified'`],
  },
  {
    name: 'VERIFIED proves whichever code is typed next',
    file: verdict,
    change: [
      `if (sameCode && tried.earlier !== 'other') return accept(context, tried)`,
      'return accept(context, tried)',
    ],
  },
  {
    name: 'VERIFIED proves a code although another may have landed',
    file: verdict,
    change: [
      `otp?.otpStatus === 'VERIFIED' && tried.earlier !== 'other'`,
      `otp?.otpStatus === 'VERIFIED'`,
    ],
  },
  {
    name: 'a lost answer to a check is taken for yes',
    file: verdict,
    change: [
      `  await settle(context, tried, { result: 'unresolved' })\n  throw failure`,
      '  return accept(context, tried)',
    ],
  },
  {
    name: 'a lost answer to a check gives the try back',
    file: verdict,
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
      'await carrier.send(order).catch(() => {})\n    const secondsLeft = leaseLeft(started)',
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
    file: 'tyntec/otp.ts',
    change: [
      `if (!isObject(item) || own(item, 'referenceId') !== referenceId) return true
        found = about(parseOtp(item), { number, referenceId })`,
      `if (!isObject(item)) return true
        found = about(parseOtp(item), { number })`,
    ],
  },
  {
    name: 'a send that is out gives its number the message back',
    file: settle,
    change: [
      '  if (boxes.number !== undefined) holdLatest(boxes.number, args.flow, now)\n  flow.lease',
      '  if (boxes.number !== undefined) dropLatest(boxes.number, args.flow, now)\n  flow.lease',
    ],
  },
  {
    name: 'any code is right where codes are our own',
    file: 'store/steps/flow.ts',
    change: [`return code === undefined ? undefined : 'wrong'`, `return 'right'`],
  },
  {
    name: 'a code of ours stays right when another is out',
    file: settle,
    change: ['    flow.before = undefined\n    flow.kept', '    flow.kept'],
  },
]
