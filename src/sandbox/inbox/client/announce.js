import { byId, h } from './dom.js'

const kept = 10

/**
 * Says one sentence to screen readers, when they have time for it. Sentences are added rather than
 * replaced, so that two changes at once are two sentences.
 *
 * @param {string} sentence
 */
export function announce(sentence) {
  const region = byId('announcements', HTMLElement)
  region.append(h('p', {}, sentence))
  while (region.childElementCount > kept) region.firstElementChild?.remove()
}

/**
 * Does what somebody asked for, and says why when it did not work.
 *
 * @param {() => Promise<unknown>} work
 */
export function run(work) {
  work().catch((error) => announce(wordsOf(error)))
}

/** @param {unknown} error */
export const wordsOf = (error) => (error instanceof Error ? error.message : String(error))

/** @type {Set<ReturnType<typeof setTimeout>>} */
const waiting = new Set()

/**
 * Says a sentence a moment later, unless it turns out to be part of something larger.
 *
 * @param {string} sentence
 */
export function announceSoon(sentence) {
  const timer = setTimeout(() => {
    waiting.delete(timer)
    announce(sentence)
  }, 100)
  waiting.add(timer)
}

/**
 * In place of all that was to be said soon.
 *
 * @param {string} sentence
 */
export function announceInstead(sentence) {
  for (const timer of waiting) clearTimeout(timer)
  waiting.clear()
  announce(sentence)
}
