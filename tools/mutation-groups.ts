/*
 * What `npm run test:mutation` changes, and which tests have to see it. test/docs/mutation.test.ts holds that all
 * of these files are there, and that docs/mutation.md names the groups.
 */

export interface Group {
  /** The files that are changed. */
  mutate: string[]
  /** The tests that have to see it. None that start other processes of ours or run at once. */
  tests: string[]
  /** Each mutant gets modules of its own, so that constants are changed too. It takes three times as long. */
  isolate?: true
  /** It is about Redis too. The steps themselves are compiled for it, so that a change of them is none there. */
  redis?: true
}

export const groups: Record<string, Group> = {
  input: {
    mutate: sources('input', 'address code countries language number readings text'),
    tests: tests('input/address input/code input/dialling input/number input/text'),
    isolate: true,
  },
  secrets: {
    mutate: sources('secrets', 'handle keys marks seal sealer secrets'),
    tests: tests('secrets/secrets secrets/sealer'),
    isolate: true,
  },
  options: {
    mutate: sources('options', 'channels limits options resolve spending values'),
    tests: tests('options/options options/channels spending http/options'),
    isolate: true,
  },
  client: {
    mutate: sources('tyntec', 'answers elements failures lists refusal statuses words'),
    tests: tests('tyntec/check tyntec/client tyntec/elements tyntec/find tyntec/refusal').concat(
      tests('tyntec/secrets tyntec/transport'),
    ),
    isolate: true,
  },
  steps: {
    mutate: sources(
      'store/steps',
      'address-failures admission claim failures flow gate give-back honest keep',
    ).concat(
      sources('store/steps', 'limits older read resend send set-right settle settle-check sign-in'),
    ),
    tests: tests(
      'store/store store/state-machine flow/flow flow/check-ends flow/send-ends flow/faults devices taken-back',
    ),
  },
  store: {
    mutate: sources('store', 'deadline flows keys memory redis slots'),
    tests: tests('store/store store/halves redis/errors redis/client-options flow/commands'),
    redis: true,
  },
  limits: {
    mutate: sources('limits', 'budget limiter limits message origin'),
    tests: tests('flow/flow flow/send-ends wallet spending devices events-scenarios metrics'),
  },
  check: {
    mutate: sources('flow', 'check input lookup pending proof settle status try verdict waiting'),
    tests: tests(
      'flow/flow flow/faults devices matrix flow/check-ends events-scenarios flow/status',
    ).concat(tests('guessing crash/lost-answers')),
  },
  send: {
    mutate: sources('flow', 'admission code deliver index resend send'),
    tests: tests(
      'devices events-scenarios flow/flow flow/faults flow/status matrix metrics',
    ).concat(tests('flow/send-ends spending carriers/own-code carriers/faults')),
  },
  guards: {
    mutate: sources('flow', 'hooks watch').concat(sources('carriers', 'carriers pressure')),
    tests: tests(
      'carriers/breaker carriers/own-code carriers/faults events events-log events-scenarios',
    ).concat(tests('events-tracing metrics flow/status flow/send-ends spending wallet')),
  },
  decoys: {
    mutate: sources('carriers', 'decoy pace shared-pace'),
    tests: tests('carriers/decoy carriers/pace flow/send-ends carriers/shared-pace'),
  },
  http: {
    mutate: sources(
      'http',
      'binding check cookies csrf exchange foreign kept problem redirects',
    ).concat(
      sources('http', 'reply request return-to routes status steps'),
      sources('http/login', 'opening passport proven session'),
    ),
    tests: tests(
      'http/adapters http/cross-site guessing http/http http/return-to http/session http/cookies',
    ).concat(tests('http/last-answer http/late http/options http/page')),
  },
  strategy: {
    mutate: sources('passport', 'actions attempt guard request strategy verify'),
    tests: tests('passport/strategy passport/idioms guessing'),
  },
  /** Small files whose figures matter. */
  constants: {
    mutate: ['src/log.ts', 'src/metrics.ts', 'src/errors.ts'].concat(
      sources('carriers', 'breaker'),
      sources('flow', 'context'),
      sources('http', 'foreign kept'),
    ),
    tests: tests(
      'carriers/breaker events-log events-list metrics setup/terminal http/late flow/flow',
    ).concat(tests('http/last-answer http/cross-site http/return-to')),
    isolate: true,
  },
}

function sources(folder: string, names: string): string[] {
  return names.split(' ').map((name) => `src/${folder}/${name}.ts`)
}

function tests(names: string): string[] {
  return names.split(' ').map((name) => `test/${name}.test.ts`)
}
