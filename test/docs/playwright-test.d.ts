/**
 * As much of `@playwright/test` as the guides use, so that their blocks compile here without it: its
 * browsers are not what our own tests run on.
 */
import type { APIRequestContext, Page } from 'playwright-core'

interface Fixtures {
  page: Page
  request: APIRequestContext
}

interface Test<All> {
  (title: string, body: (fixtures: All) => Promise<void>): void
  extend<More extends object>(fixtures: {
    [Name in keyof More]: (
      given: All & More,
      use: (value: More[Name]) => Promise<void>,
    ) => Promise<void>
  }): Test<All & More>
}

interface WebServer {
  command: string
  url?: string
  env?: Record<string, string>
}

export declare const test: Test<Fixtures>
export declare function defineConfig(config: {
  use?: { baseURL?: string }
  webServer?: WebServer | WebServer[]
}): object
