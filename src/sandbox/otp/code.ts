import { randomInt } from 'node:crypto'
import type { Application } from '../applications/applications.js'

const letters = 'abcdefghijklmnopqrstuvwxyz0123456789'

/** Digits, or lower-case letters and digits where the application says so. */
export function randomCode(application: Application, pinLength = application.pinLength): string {
  if (!application.alphanumeric) {
    return String(randomInt(10 ** pinLength)).padStart(pinLength, '0')
  }
  return Array.from({ length: pinLength }, () => letters[randomInt(letters.length)]).join('')
}
