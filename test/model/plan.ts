import fc from 'fast-check'

/** What happens to a step at one of its calls of the store. */
export interface Trouble {
  /** Which call: 0 is the step's first. */
  at: number
  kind:
    | 'crash-before'
    | 'crash-after'
    /** The process dies right after the call, while what it does next is on its way to tyntec. */
    | 'crash-later'
    | 'fail-before'
    /** The call has worked; its answer is lost. */
    | 'fail-after'
    /** The client sends the command again, because its answer was lost. */
    | 'twice'
}

/** `again`: the one that was proven, as somebody types who heard nothing of it. */
export type Code = 'right' | 'again' | 'wrong' | 'malformed' | 'before' | 'stolen'

export type Action = {
  browser: number
  worker: number
  /** For the pauses around each call of the store. */
  seed: number
  trouble: Trouble | undefined
  /** It arrives so many batches after its browser has sent it, with what its browser had then. */
  late: number
} &
  /** `lost`: our answer does not reach the browser. */
  (
    | { type: 'send'; number: number; lost: boolean }
    | { type: 'resend'; lost: boolean }
    | { type: 'status' | 'cancel' }
    | { type: 'check'; code: Code; end: End; again: boolean }
    | { type: 'finish'; how: End }
  )

/** What the app makes of a proof: a session, an error of its own, a refusal, or nothing so far. */
export type End = 'complete' | 'release' | 'refuse' | 'hold'

export type Fault = { operation: string; when: 'before' | 'after'; times: number } & (
  | { kind: 'status'; status: number }
  | { kind: 'reset' | 'empty' | 'malformed' | 'truncate' | 'html' }
  | { kind: 'delay'; ms: number }
)

export type Batch =
  /** Run at once. `jump`: time passes while they run. */
  | {
      type: 'steps'
      actions: Action[]
      jump: { after: number; seconds: number } | undefined
      /** When what was cut off arrives, in milliseconds, and how much of it. */
      land: { after: number; most: number } | undefined
    }
  | { type: 'advance'; seconds: number }
  | { type: 'fault'; faults: Fault[] }
  /** The next such call is cut off; it arrives when calls land. */
  | { type: 'keep'; operation: 'otp.send' | 'otp.resend' | 'otp.check' }
  | { type: 'land'; most: number }
  | { type: 'heal' }
  | { type: 'unlock'; number: number }

export interface Plan {
  browsers: number
  workers: number
  numbers: number
  /** Tries at one code, and failures of a number that cost no wait. */
  attempts: number
  free: number
  /** Messages that one number may get, and all together two more; 0 is so many that no limit is met. */
  tight: number
  /** Browsers got a token with the page, so that two clicks on it are one flow. */
  pages: boolean
  /** The codes are our own, and not tyntec's. */
  own: boolean
  batches: Batch[]
}

const seeds = fc.integer({ min: 1, max: 0x7fffffff })
const index = (size: number) => fc.integer({ min: 0, max: size - 1 })
const oneOf = fc.constantFrom

/** Once in `times` on average; else nothing. */
const rarely = <T>(times: number, arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.oneof(
    { weight: times - 1, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: arbitrary },
  )

const most = oneOf(1, 1, 9)

const landing = (latest: number) => fc.record({ after: fc.integer({ min: 0, max: latest }), most })

const trouble: fc.Arbitrary<Trouble> = fc.record({
  at: fc.integer({ min: 0, max: 12 }),
  kind: oneOf('crash-before', 'crash-after', 'crash-later', 'fail-before', 'fail-after', 'twice'),
})

const code = fc.oneof(
  { weight: 8, arbitrary: oneOf<Code[]>('right') },
  { weight: 2, arbitrary: oneOf<Code[]>('again') },
  { weight: 6, arbitrary: oneOf<Code[]>('wrong') },
  { weight: 3, arbitrary: oneOf<Code[]>('before', 'stolen', 'malformed') },
)

type Deed = Action extends infer A
  ? A extends Action
    ? Omit<A, 'browser' | 'worker' | 'seed' | 'trouble' | 'late'>
    : never
  : never

const lostOf = (wild: boolean): fc.Arbitrary<boolean> =>
  wild ? fc.integer({ min: 0, max: 9 }).map((roll) => roll === 0) : oneOf(false)

const deedOf = (numbers: number, wild: boolean): fc.Arbitrary<Deed> =>
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        type: oneOf('send' as const),
        number: index(numbers),
        lost: lostOf(wild),
      }),
    },
    {
      weight: 4,
      arbitrary: fc.record({ type: oneOf('resend' as const), lost: lostOf(wild) }),
    },
    {
      weight: 12,
      arbitrary: fc.record({
        type: oneOf('check' as const),
        code,
        end: wild
          ? oneOf<End[]>(
              'complete',
              'complete',
              'complete',
              'complete',
              'release',
              'hold',
              'refuse',
            )
          : oneOf<End[]>('complete', 'complete', 'complete', 'release', 'refuse'),
        again: wild ? fc.boolean() : oneOf(false),
      }),
    },
    { weight: 2, arbitrary: oneOf({ type: 'status' as const }, { type: 'cancel' as const }) },
    ...(wild
      ? [
          {
            weight: 2,
            arbitrary: fc.record({
              type: oneOf('finish' as const),
              how: oneOf<End[]>('complete', 'complete', 'release', 'refuse'),
            }),
          },
        ]
      : []),
  )

const isEmptied401 = ({ operation, when, kind }: Fault) =>
  kind === 'empty' && when === 'after' && (operation === 'otp.check' || operation === '*')

const fault: fc.Arbitrary<Fault> = fc.oneof(
  // tyntec, or what stands before it, refuses: nothing was done.
  fc.record({
    operation: oneOf('otp.send', 'otp.resend', 'otp.check', 'otp.get', 'otp.list', '*'),
    when: oneOf('before' as const),
    kind: oneOf('status' as const),
    status: oneOf(401, 403, 429, 500, 503),
    times: oneOf(1, 1, 2),
  }),
  // Nothing was done, or all of it, and the answer says neither.
  fc
    .record({
      operation: oneOf(
        'otp.send',
        'otp.resend',
        'otp.check',
        'otp.check',
        'otp.get',
        'otp.list',
        '*',
      ),
      when: oneOf('before' as const, 'after' as const, 'after' as const),
      kind: oneOf('reset' as const, 'empty', 'malformed', 'truncate', 'html'),
      times: oneOf(1, 1, 2),
    })
    // A 401 without its body is what a rejected key gets: no client could tell them apart.
    .map((it) => (isEmptied401(it) ? { ...it, kind: 'malformed' as const } : it)),
  fc.record({
    operation: oneOf('otp.send', 'otp.resend', 'otp.check'),
    when: oneOf('after' as const),
    kind: oneOf('status' as const),
    status: oneOf(500, 502, 504),
    times: oneOf(1, 1, 2),
  }),
  // tyntec's list is behind.
  fc.record({
    operation: oneOf('otp.list'),
    when: oneOf('before' as const),
    kind: oneOf('status' as const),
    status: oneOf(204),
    times: oneOf(1, 2, 4),
  }),
  fc.record({
    operation: oneOf('otp.send', 'otp.resend', 'otp.check', '*'),
    when: oneOf('before' as const, 'after' as const),
    kind: oneOf('delay' as const),
    ms: fc.integer({ min: 2, max: 30 }),
    times: oneOf(1, 2, 3),
  }),
)

/** tyntec has done the work, nobody hears of it, and then it refuses to be asked. */
const unheard: fc.Arbitrary<Fault[]> = fc
  .record({
    asked: oneOf(['otp.send', 'otp.list'] as const, ['otp.check', 'otp.get'] as const),
    refusal: oneOf(401, 403, 429, 500),
    times: oneOf(1, 2),
  })
  .map(({ asked: [operation, lookUp], refusal, times }) => [
    { operation, when: 'after', kind: 'reset', times: 1 },
    { operation: lookUp, when: 'before', kind: 'status', status: refusal, times },
  ])

const faults = fc.oneof(
  { weight: 5, arbitrary: fault.map((one) => [one]) },
  { weight: 1, arbitrary: unheard },
)

/** Most plans begin with a code for everybody, as far as the numbers' cooldowns allow it. */
const beginning = (size: { browsers: number; numbers: number }): fc.Arbitrary<Batch[]> =>
  fc.integer({ min: 0, max: 4 }).map((roll) =>
    roll === 0
      ? []
      : Array.from({ length: size.browsers }, (_, browser) => ({
          type: 'steps',
          jump: undefined,
          land: undefined,
          actions: [
            {
              type: 'send',
              browser,
              worker: 0,
              seed: 1,
              trouble: undefined,
              late: 0,
              number: browser % size.numbers,
              lost: false,
            },
          ],
        })),
  )

const seconds = oneOf(1, 5, 11, 31, 31, 31, 61, 61, 125, 241, 301, 601, 901)

const advance: fc.Arbitrary<Batch> = fc.record({
  type: oneOf('advance' as const),
  seconds,
})

function actionOf(size: { browsers: number; workers: number; numbers: number }, wild: boolean) {
  return fc
    .tuple(
      fc.record({
        browser: index(size.browsers),
        worker: index(size.workers),
        seed: seeds,
        trouble: wild ? rarely(4, trouble) : oneOf(undefined),
        late: wild ? oneOf(0, 0, 0, 0, 0, 0, 0, 1, 2, 4) : oneOf(0),
      }),
      deedOf(size.numbers, wild),
    )
    .map(([common, deed]): Action => ({ ...common, ...deed }))
}

const sizes = fc.record({
  browsers: fc.integer({ min: 1, max: 4 }),
  workers: fc.integer({ min: 1, max: 3 }),
  numbers: fc.integer({ min: 1, max: 3 }),
})

function planOf(
  size: { browsers: number; numbers: number },
  batches: fc.Arbitrary<Batch[]>,
  maxLength: number,
): fc.Arbitrary<Batch[]> {
  return fc
    .tuple(beginning(size), fc.array(batches, { minLength: 3, maxLength, size: 'max' }))
    .map(([first, rest]) => [...first, ...rest.flat()])
}

/**
 * What chance alone would seldom make: one browser, a new code, and things going wrong in the order
 * in which they hurt.
 */
function storyOf(size: { browsers: number; workers: number; numbers: number }) {
  const act = (deed: fc.Arbitrary<Deed>, troubled = false): fc.Arbitrary<Action> =>
    fc
      .tuple(actionOf(size, false), deed, troubled ? rarely(3, trouble) : fc.constant(undefined))
      .map(([{ worker, seed }, rest, trouble]) => ({
        browser: 0,
        worker,
        seed,
        trouble,
        late: 0,
        ...rest,
      }))
  const steps = (
    actions: fc.Arbitrary<Action>[],
    land: fc.Arbitrary<{ after: number; most: number } | undefined> = fc.constant(undefined),
  ): fc.Arbitrary<Batch[]> =>
    fc
      .tuple(fc.tuple(...actions), land)
      .map(([actions, land]) => [{ type: 'steps', actions, jump: undefined, land }])
  const always = (...batches: Batch[]) => fc.constant(batches)
  const maybe = (...batches: Batch[]) => oneOf(batches, [])
  const faultOf = (
    operation: string,
    when: 'before' | 'after',
    kind: 'reset' | 'empty' | 'html',
  ): Batch => ({ type: 'fault', faults: [{ operation, when, kind, times: 1 }] })
  const slow = (operation: string): Batch => ({
    type: 'fault',
    faults: [{ operation, when: 'before', kind: 'delay', ms: 8, times: 4 }],
  })
  const passing = (seconds: number): Batch => ({ type: 'advance', seconds })
  const tell = (...parts: fc.Arbitrary<Batch[]>[]) =>
    fc.tuple(...parts).map((batches) => batches.flat())

  const send = act(
    fc.record({ type: oneOf('send' as const), number: oneOf(0), lost: oneOf(false) }),
  )
  const resend = act(oneOf({ type: 'resend' as const, lost: false }), true)
  const check = (...codes: Code[]) =>
    act(
      fc.record({
        type: oneOf('check' as const),
        code: oneOf(...codes),
        end: oneOf<End[]>('complete', 'hold'),
        again: fc.boolean(),
      }),
      true,
    )
  const ready = tell(always({ type: 'heal' }, passing(61)), steps([send]))
  const soon = fc.option(landing(16), { nil: undefined })

  // Codes that arrive at tyntec when their person has tried others.
  const lateCode = tell(
    ready,
    maybe(faultOf('otp.check', 'after', 'reset')),
    always({ type: 'keep', operation: 'otp.check' }),
    steps([check('right', 'right', 'wrong')]),
    oneOf<Batch[]>([], [], [passing(11)], [passing(61)]),
    oneOf<Batch[]>(
      [],
      [{ type: 'keep', operation: 'otp.check' }],
      [{ type: 'keep', operation: 'otp.check' }, slow('otp.get')],
    ),
    steps([check('wrong', 'wrong', 'right')], soon),
    maybe({ type: 'land', most: 1 }),
    oneOf<Batch[]>(
      [],
      [],
      [faultOf('otp.check', 'before', 'reset')],
      [faultOf('otp.check', 'after', 'html')],
      [{ type: 'keep', operation: 'otp.check' }],
    ),
    oneOf<Batch[]>([], [], [passing(61)]),
    steps([check('wrong', 'right')], soon),
  )
  // A message that is out, although nobody can say so.
  const lostMessage = tell(
    ready,
    maybe(passing(31)),
    fc.oneof(
      unheard.map((faults): Batch[] => [{ type: 'fault', faults }]),
      always(faultOf('otp.resend', 'after', 'reset')),
      always(faultOf('otp.resend', 'after', 'html')),
      always(faultOf('otp.send', 'after', 'empty')),
    ),
    steps([resend]),
    steps([resend]),
    always(passing(31)),
    fc.oneof(steps([send]), steps([resend])),
    always(passing(61)),
    steps([send]),
  )
  // A login and the end of its flow, at once or one after the other.
  const endedLogin = tell(
    ready,
    always({
      type: 'fault',
      faults: [{ operation: 'otp.check', when: 'after', kind: 'delay', ms: 12, times: 1 }],
    }),
    fc.oneof(
      steps([check('right'), act(oneOf({ type: 'cancel' as const }))]),
      tell(steps([check('right')]), steps([act(oneOf({ type: 'cancel' as const }))])),
    ),
    steps([act(oneOf({ type: 'finish' as const, how: 'complete' as const }))]),
    steps([check('right', 'wrong')]),
  )
  // A person who hears nothing of a login, and presses again and again.
  const unheardLogin = tell(
    ready,
    steps([check('right')]),
    oneOf<Batch[]>([], [], [passing(31)], [passing(61)]),
    fc.oneof(
      steps([check('again')]),
      steps([check('again'), check('again')]),
      steps([check('again'), check('wrong')]),
    ),
    oneOf<Batch[]>([], [passing(31)]),
    steps([check('again')]),
    steps([check('again', 'wrong')]),
    oneOf<Batch[]>([], [passing(61)]),
    steps([check('again')]),
  )
  // A code that is over, and the number that nobody types again.
  const begunAgain = tell(
    ready,
    fc.oneof(
      always(passing(301)),
      tell(steps([check('wrong')]), steps([check('wrong')]), steps([check('wrong')])),
    ),
    oneOf<Batch[]>([], [passing(31)], [passing(601)]),
    fc.oneof(steps([resend]), steps([resend, resend])),
    steps([resend]),
    steps([check('right', 'before')]),
  )
  return fc.oneof(lateCode, lateCode, lostMessage, endedLogin, unheardLogin, begunAgain)
}

const alone = (...choices: { weight: number; arbitrary: fc.Arbitrary<Batch> }[]) =>
  choices.map(({ weight, arbitrary }) => ({ weight, arbitrary: arbitrary.map((one) => [one]) }))

/** Steps that run at once, with crashes, faults and jumps of time. */
export const wildPlan: fc.Arbitrary<Plan> = sizes.chain((size) => {
  const action = actionOf(size, true)
  const steps: fc.Arbitrary<Batch> = fc.record({
    type: oneOf('steps' as const),
    actions: fc.oneof(
      fc.array(action, { minLength: 1, maxLength: 4 }),
      // One person in a hurry.
      fc
        .tuple(action, fc.array(fc.tuple(index(size.workers), seeds), { maxLength: 3 }))
        .map(([first, more]) => [
          first,
          ...more.map(([worker, seed]): Action => ({ ...first, worker, seed, trouble: undefined })),
        ]),
    ),
    jump: rarely(
      9,
      fc.record({ after: fc.integer({ min: 0, max: 20 }), seconds: oneOf(11, 11, 31, 61) }),
    ),
    land: rarely(4, landing(12)),
  })
  return fc.record({
    browsers: oneOf(size.browsers),
    workers: oneOf(size.workers),
    numbers: oneOf(size.numbers),
    attempts: oneOf(2, 3),
    free: oneOf(2, 20),
    tight: oneOf(0, 0, 0, 1, 2, 3),
    pages: fc.boolean(),
    own: oneOf(false, false, true),
    batches: planOf(
      size,
      fc.oneof(
        { weight: 2, arbitrary: storyOf(size) },
        ...alone(
          { weight: 10, arbitrary: steps },
          { weight: 4, arbitrary: advance },
          {
            weight: 4,
            arbitrary: fc.record({ type: oneOf('fault' as const), faults }),
          },
          {
            weight: 3,
            arbitrary: fc.record({
              type: oneOf('keep' as const),
              operation: oneOf('otp.send' as const, 'otp.resend', 'otp.check', 'otp.check'),
            }),
          },
          { weight: 1, arbitrary: fc.record({ type: oneOf('land' as const), most }) },
          { weight: 1, arbitrary: fc.record({ type: oneOf('heal' as const) }) },
          {
            weight: 1,
            arbitrary: fc.record({ type: oneOf('unlock' as const), number: index(size.numbers) }),
          },
        ),
      ),
      14,
    ),
  })
})

/** Another code is out, and its person types the one before. */
function newerCode(size: { browsers: number; workers: number; numbers: number }) {
  const act = (deed: Deed) =>
    actionOf(size, false).map((action): Action => ({ ...action, ...deed }))
  return fc
    .tuple(
      oneOf(31, 61),
      act({ type: 'resend', lost: false }),
      act({ type: 'check', code: 'before', end: 'complete', again: false }),
    )
    .map(([seconds, resend, check]): Batch[] => [
      { type: 'advance', seconds },
      ...[resend, { ...check, browser: resend.browser }].map((action): Batch => ({
        type: 'steps',
        actions: [action],
        jump: undefined,
        land: undefined,
      })),
    ])
}

/** One step after another and nothing that fails: the reference tells each answer. */
export const calmPlan: fc.Arbitrary<Plan> = sizes.chain((size) =>
  fc.record({
    browsers: oneOf(size.browsers),
    workers: oneOf(size.workers),
    numbers: oneOf(size.numbers),
    attempts: oneOf(3),
    free: oneOf(2, 5),
    tight: oneOf(0, 0, 3),
    pages: fc.boolean(),
    own: oneOf(false, false, true),
    batches: planOf(
      size,
      fc.oneof(
        { weight: 2, arbitrary: newerCode(size) },
        ...alone(
          {
            weight: 10,
            arbitrary: actionOf(size, false).map((action): Batch => ({
              type: 'steps',
              actions: [action],
              jump: undefined,
              land: undefined,
            })),
          },
          { weight: 5, arbitrary: advance },
          {
            weight: 1,
            arbitrary: fc.record({ type: oneOf('unlock' as const), number: index(size.numbers) }),
          },
        ),
      ),
      22,
    ),
  }),
)
