// Who may import whom, and what else the compiler does not see. Run by `npm run check`.

const only = {
  adapters: { group: ['**/adapters/**'], message: 'src never imports adapters.' },
  framework: {
    group: ['express', 'express-*', 'koa', 'koa-*', '@koa/*'],
    message: 'Frameworks belong to their adapter.',
  },
  ioredis: {
    group: ['ioredis', 'ioredis-*', 'iovalkey', 'redis', 'redis-*', '@redis/*'],
    allowTypeImports: true,
    message: 'The app brings the client; only its types are used.',
  },
  itself: {
    group: ['passport-tyntec-otp', 'passport-tyntec-otp/*'],
    message: 'The package does not import itself by name.',
  },
  limiter: {
    group: ['rate-limiter-flexible', 'rate-limiter-flexible/**'],
    message: 'Limits are judged in src/limits.',
  },
  numbers: {
    group: ['awesome-phonenumber', 'libphonenumber-js', 'libphonenumber-js/*'],
    message: 'Numbers are parsed in src/input.',
  },
  passport: {
    group: ['passport', 'passport-*', 'koa-passport'],
    message: 'Passport belongs to src/passport.',
  },
  product: {
    group: [
      '**/flow.js',
      '**/flow/**',
      '**/store/**',
      '**/http/**',
      '**/passport/**',
      '**/node/**',
    ],
    message: 'The sandbox plays tyntec; it does not know the product.',
  },
  sandbox: {
    group: ['**/sandbox/**', '**/cli/**'],
    message: 'The product knows neither the sandbox nor the command line.',
  },
  rest: {
    group: ['../*/**', '../*.js', '!../outcomes.js'],
    message: 'Numbers, codes and addresses are read without knowing the rest.',
  },
  undici: { group: ['undici'], message: 'Calls to tyntec belong to src/tyntec.' },
}

const { adapters, framework, ioredis, itself, limiter, numbers, passport, product } = only
const { rest, sandbox, undici } = only

// The last match decides alone, so each layer names all that it may not import.
const layers = {
  'src/**': [adapters, framework, ioredis, itself, limiter, numbers, passport, sandbox, undici],
  'src/limits/**': [adapters, framework, ioredis, itself, numbers, passport, sandbox, undici],
  'src/tyntec/**': [adapters, framework, ioredis, itself, limiter, numbers, passport, sandbox],
  'src/input/**': [adapters, framework, ioredis, itself, limiter, passport, sandbox, undici, rest],
  'src/passport/**': [
    adapters,
    framework,
    ioredis,
    itself,
    limiter,
    numbers,
    sandbox,
    undici,
    types('passport', 'The app brings Passport; only its types are used.'),
  ],
  'src/sandbox/**': [adapters, framework, ioredis, itself, limiter, passport, product, undici],
  'src/cli/**': [adapters, framework, ioredis, itself, limiter, numbers, passport, undici],
  'adapters/express.ts': [...adapterOf('express'), itself],
  'adapters/koa.ts': [...adapterOf('koa'), itself],
  'examples/**': [
    {
      group: ['../src/**', '../adapters/**', '../dist/**', '../../src/**', '../../adapters/**'],
      message: 'Examples import the package by its name, as its users do.',
    },
  ],
}

function adapterOf(framework) {
  const other = framework === 'express' ? 'koa' : 'express'
  return [
    {
      group: [
        '../src/**',
        '!../src/index.js',
        '!../src/http',
        '!../src/http/**',
        '!../src/node',
        '!../src/node/**',
      ],
      message: 'Adapters use the public names, src/http and src/node.',
    },
    types(framework, 'The app brings the framework; adapters take its types.'),
    types('passport', 'The app brings Passport; adapters take its types.'),
    types('ioredis', 'The app brings the client; adapters take its types.'),
    { group: [other, `@${other}/*`, `./${other}.js`], message: 'One adapter, one framework.' },
    {
      group: ['passport-custom', ...limiter.group, ...undici.group, ...numbers.group],
      message: 'Belongs to src.',
    },
  ]
}

function types(name, message) {
  return { group: [name], allowTypeImports: true, message }
}

export default {
  plugins: ['typescript', 'unicorn', 'oxc', 'import', 'node', 'promise', 'vitest'],
  categories: { correctness: 'error', suspicious: 'error' },
  options: { typeAware: true },
  env: { node: true, es2024: true },
  ignorePatterns: ['dist', 'coverage', 'reports'],
  rules: {
    eqeqeq: ['error', 'always'],
    'no-console': 'error',
    'no-throw-literal': 'error',
    'no-restricted-properties': [
      'error',
      { object: 'Math', property: 'random', message: 'Use node:crypto.' },
    ],
    'import/no-cycle': ['error', { ignoreTypes: false }],
    'import/no-default-export': 'error',
    'node/no-process-env': ['error', { allowedVariables: ['NODE_ENV'] }],
    'typescript/no-explicit-any': 'error',
    'typescript/no-floating-promises': 'error',
    'typescript/no-misused-promises': 'error',
    'typescript/no-non-null-assertion': 'error',
    'typescript/return-await': 'error',
    'typescript/switch-exhaustiveness-check': [
      'error',
      { considerDefaultExhaustiveForUnions: true },
    ],
    'unicorn/prefer-node-protocol': 'error',

    // What comes out of Redis or a caller's untyped code is narrowed by hand, with a reason.
    'typescript/no-unsafe-type-assertion': 'off',
    'typescript/no-unnecessary-type-conversion': 'off',
    // Objects here are made by functions and have no `this` to lose.
    'typescript/unbound-method': 'off',
    // noImplicitReturns sees the same, and knows unions.
    'typescript/consistent-return': 'off',
    'unicorn/consistent-function-scoping': 'off',
    'typescript/no-misused-spread': 'off',
    'typescript/require-array-sort-compare': 'off',
    'no-shadow': 'off',
    'no-unmodified-loop-condition': 'off',
    'import/no-named-as-default': 'off',
    'import/no-named-as-default-member': 'off',
    'unicorn/no-array-sort': 'off',
    // vitest's requireAssertions sees those in helpers too.
    'vitest/expect-expect': 'off',
    'vitest/no-conditional-expect': 'off',
    'vitest/require-mock-type-parameters': 'off',
  },
  overrides: [
    ...Object.entries(layers).map(([files, patterns]) => ({
      files: [files],
      rules: { 'no-restricted-imports': ['error', { patterns }] },
    })),
    {
      files: ['{bench,examples,test,tools}/**', '*.config.*'],
      rules: {
        'no-console': 'off',
        'node/no-process-env': 'off',
        // `createServer(app.callback())` is how Koa is used.
        'typescript/no-misused-promises': ['error', { checksVoidReturn: { arguments: false } }],
      },
    },
    {
      // Fixtures of vitest: their `test` is one of their own, and those without a fixture say `{}`.
      files: ['examples/testing/**'],
      rules: { 'vitest/no-standalone-expect': 'off', 'no-empty-pattern': 'off' },
    },
    {
      files: ['src/sandbox/start.ts'],
      rules: {
        'node/no-process-env': ['error', { allowedVariables: ['SANDBOX_APPLICATION'] }],
      },
    },
    { files: ['src/cli/main.ts'], rules: { 'node/no-process-env': 'off' } },
    {
      files: ['*.config.*', 'test/support/{global-setup,summary-reporter}.ts'],
      rules: { 'import/no-default-export': 'off' },
    },
  ],
}
