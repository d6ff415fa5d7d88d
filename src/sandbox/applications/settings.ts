import type { Parameters, Problem } from '../api/parameters.js'
import { originator } from '../api/parameters.js'

import { defaultSettings, type Settings } from './applications.js'

export const reservedName: Problem = {
  message: 'An application can not be named default',
  hint: 'Every account has one of that name already.',
  code: '1017',
}

type Reader<T> = (value: unknown) => T | Problem

const isProblem = (value: unknown): value is Problem =>
  typeof value === 'object' && value !== null && 'message' in value

/** tyntec says 4 to 10 in its error 1006, and 11 on another page: the smaller is safe with both. */
export const isPinLength = (value: unknown): value is number => isWhole(value, 4, 10)

export const pinLengthProblem = (hint: string): Problem => ({
  message: 'PIN length must be between 4 and 10',
  hint,
  code: '1006',
})

const readPinLength: Reader<number> = (value) =>
  isPinLength(value) ? value : pinLengthProblem('pinLength is a whole number from 4 to 10.')

const readExpire: Reader<number> = (value) =>
  isWhole(value, 30, 7200)
    ? value
    : {
        message: 'Expiration must be between 30 and 7200 seconds',
        hint: 'expire is a whole number of seconds from 30 to 7200.',
        code: '1008',
      }

const readAttempts: Reader<number> = (value) =>
  isWhole(value, 1, 100) ? value : invalid('attempts', 'attempts is a whole number from 1 to 100.')

const readFlag =
  (name: string): Reader<boolean> =>
  (value) =>
    typeof value === 'boolean' ? value : invalid(name, `${name} is true or false.`)

const readOriginator =
  (name: string): Reader<string> =>
  (value) =>
    typeof value === 'string' && originator.test(value)
      ? value
      : invalid(name, `${name} is a number, or up to 11 characters.`)

const readName: Reader<string> = (value) =>
  typeof value === 'string' && value !== '' && value.length <= 100
    ? value
    : invalid('name', 'name is a text of up to 100 characters.')

const readers = {
  alphanumeric: readFlag('alphanumeric'),
  attempts: readAttempts,
  expire: readExpire,
  name: readName,
  pinLength: readPinLength,
  sender: readOriginator('sender'),
  caller: readOriginator('caller'),
} satisfies Record<keyof Settings, Reader<unknown>>

/** The settings of a new application: a JSON object, or nothing for the defaults. */
export function readBody(body: unknown): Partial<Settings> | Problem {
  if (body === undefined) return {}
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return { message: 'The body is not a JSON object', hint: 'Send an object, or no body.' }
  }
  const settings: Partial<Settings> = {}
  for (const [name, value] of Object.entries(body)) {
    if (!isSetting(name)) {
      return {
        message: `Unknown property ${name}`,
        hint: `It takes ${Object.keys(readers).join(', ')}.`,
      }
    }
    if (value === null) continue
    const problem = assign(settings, name, value)
    if (problem) return problem
  }
  return settings.name === 'default' ? reservedName : settings
}

/** What an edit changes, from its query. */
export function readQuery(given: Parameters): Partial<Settings> | Problem {
  const changes: Partial<Settings> = {}
  for (const [parameter, text] of given) {
    if (parameter === 'deleteCaller') continue
    const name = parameter === 'alphaNumeric' ? 'alphanumeric' : parameter
    if (!isSetting(name)) continue
    const problem = assign(changes, name, fromText(defaultSettings[name], text))
    if (problem) return problem
  }
  const deleteCaller = given.get('deleteCaller')
  if (deleteCaller === undefined || deleteCaller === 'false') return changes
  if (deleteCaller !== 'true') return invalid('deleteCaller', 'deleteCaller is true or false.')
  return { ...changes, caller: null }
}

const isSetting = (name: string): name is keyof Settings => Object.hasOwn(readers, name)

function assign(
  settings: Partial<Settings>,
  name: keyof Settings,
  value: unknown,
): Problem | undefined {
  const read = readers[name](value)
  if (isProblem(read)) return read
  Object.assign(settings, { [name]: read })
  return undefined
}

/** A query holds texts only; what it means depends on the setting. */
function fromText(like: unknown, text: string): unknown {
  if (typeof like === 'number') return /^[0-9]{1,9}$/.test(text) ? Number(text) : Number.NaN
  if (typeof like === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
  return text
}

const isWhole = (value: unknown, min: number, max: number): value is number =>
  typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max

const invalid = (name: string, hint: string): Problem => ({
  message: `Invalid parameter ${name}`,
  hint,
})
