import { createHash, randomUUID } from 'node:crypto'
import type { Clock } from '../clock.js'
import { defaultTemplates } from './templates.js'

/** What an application says about the sends that name it. */
export interface Settings {
  alphanumeric: boolean
  /** Tries at one code. */
  attempts: number
  /** Seconds that a code is valid, from the first send. */
  expire: number
  name: string
  pinLength: number
  sender: string
  /** `null`: calls are anonymous. */
  caller: string | null
}

export interface Application extends Settings {
  readonly accountId: string
  readonly applicationId: string
  readonly created: number
  /** Text by language (`de`), or by language and channel (`de-sms`, `de-voice`). */
  readonly templates: Map<string, string>
  /** Its OTPs outlive it, but can be neither sent again nor checked. */
  deleted: boolean
}

/** tyntec's `TwoFactorAuthApplicationEntity`, with what real answers carry beside it. */
export interface ApplicationEntity extends Settings {
  accountId: string
  applicationId: string
  created: number
  template: Record<string, string>
}

export const defaultSettings: Settings = {
  alphanumeric: false,
  attempts: 3,
  expire: 300,
  name: 'default',
  pinLength: 4,
  sender: 'VERIFY',
  caller: 'VERIFY',
}

export interface Applications {
  list(accountId: string): Application[]
  /** By its id, or as `default`. */
  find(accountId: string, applicationId: string): Application | undefined
  /** `undefined` when the account has as many as the sandbox keeps. */
  create(accountId: string, settings: Partial<Settings>): Application | undefined
  /** False for the default one, which stays. */
  delete(application: Application): boolean
  isDefault(application: Application): boolean
  clear(): void
}

const mostPerAccount = 1000

export interface ApplicationsParts {
  clock: Clock
  /** The id of one more application that each account has from the start. */
  named?: string
  onDelete(application: Application): void
}

export function createApplications({ clock, named, onDelete }: ApplicationsParts): Applications {
  const accounts = new Map<string, Map<string, Application>>()

  function make(accountId: string, applicationId: string, settings: Partial<Settings>) {
    const name = `application-${applicationId.slice(0, 8)}`
    return {
      ...defaultSettings,
      name,
      ...settings,
      accountId,
      applicationId,
      created: clock.now(),
      templates: new Map(Object.entries(defaultTemplates)),
      deleted: false,
    } satisfies Application
  }

  /** Every account has its default application, made when the account is first seen. */
  function of(accountId: string): Map<string, Application> {
    const known = accounts.get(accountId)
    if (known) return known
    const made = [make(accountId, defaultIdOf(accountId), { name: 'default' })]
    if (named !== undefined) made.push(make(accountId, named, {}))
    const applications = new Map(made.map((entry) => [entry.applicationId, entry]))
    accounts.set(accountId, applications)
    return applications
  }

  const isDefault = ({ accountId, applicationId }: Application) =>
    applicationId === defaultIdOf(accountId)

  return {
    list: (accountId) => [...of(accountId).values()],
    find: (accountId, applicationId) =>
      of(accountId).get(applicationId === 'default' ? defaultIdOf(accountId) : applicationId),
    create(accountId, settings) {
      const applications = of(accountId)
      if (applications.size >= mostPerAccount) return undefined
      const application = make(accountId, randomUUID(), settings)
      applications.set(application.applicationId, application)
      return application
    },
    delete(application) {
      if (isDefault(application)) return false
      of(application.accountId).delete(application.applicationId)
      application.deleted = true
      onDelete(application)
      return true
    },
    isDefault,
    clear: () => accounts.clear(),
  }
}

/** The same after each start, so that it can be written into an app's settings. */
const defaultIdOf = (accountId: string) => toUuid(`default application of ${accountId}`)

/** A UUID that always is the same for the same text. */
export function toUuid(text: string): string {
  const hash = createHash('sha256').update(text).digest('hex')
  return hash.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-4$3-8$4-$5')
}

export const toApplicationEntity = (application: Application): ApplicationEntity => ({
  accountId: application.accountId,
  alphanumeric: application.alphanumeric,
  applicationId: application.applicationId,
  attempts: application.attempts,
  caller: application.caller,
  created: application.created,
  expire: application.expire,
  name: application.name,
  pinLength: application.pinLength,
  sender: application.sender,
  template: Object.fromEntries(application.templates),
})
