/** Whether this page stands beside an app, in a page that shows both. */
export const isBeside = parent !== window

/**
 * Offers the page around this one something for the app's form. Only pages of this machine can be
 * around it, and those may ask the sandbox themselves.
 *
 * @param {'code' | 'number'} fill
 * @param {string} value
 */
export function offer(fill, value) {
  parent.postMessage({ fill, value }, '*')
}
