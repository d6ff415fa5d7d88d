/**
 * A number as people write it, where that is easy to know.
 *
 * @param {string} number
 */
export function formatNumber(number) {
  return number
    .replace(/^\+1(\d{3})(\d{3})(\d{4})$/, '+1 $1 $2 $3')
    .replace(/^\+49(30|40|69|89)(\d{2,})(\d{3})$/, '+49 $1 $2 $3')
    .replace(/^\+(49|44|43|33|34|39)(\d{3})(\d{3,4})(\d{3,})$/, '+$1 $2 $3 $4')
}

const time = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' })
const day = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'medium' })

/**
 * The time of day on this machine, and the date where it is another day's.
 *
 * @param {number} at
 * @param {number} now
 */
export function formatTime(at, now) {
  const sameDay = new Date(at).toDateString() === new Date(now).toDateString()
  return (sameDay ? time : day).format(at)
}

/**
 * Minutes and seconds, like 4:59; from an hour on with hours, from a day on with days.
 *
 * @param {number} ms
 */
export function formatSpan(ms) {
  const seconds = Math.max(0, Math.round(ms / 1000))
  const days = Math.floor(seconds / 86_400)
  const hours = Math.floor((seconds % 86_400) / 3600)
  const minutes = Math.floor((seconds % 3600) / 60)
  const pad = (/** @type {number} */ part) => String(part).padStart(2, '0')
  const clock =
    days > 0 || hours > 0
      ? `${hours}:${pad(minutes)}:${pad(seconds % 60)}`
      : `${minutes}:${pad(seconds % 60)}`
  return days > 0 ? `${days} d ${clock}` : clock
}

/**
 * How long ago, in the largest unit that fits.
 *
 * @param {number} ms
 */
export function formatAge(ms) {
  const seconds = Math.floor(ms / 1000)
  if (seconds < 5) return 'now'
  if (seconds < 60) return `${seconds} s ago`
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`
  return `${Math.floor(seconds / 86_400)} d ago`
}

/**
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 */
export function plural(count, one, many = `${one}s`) {
  return `${count} ${count === 1 ? one : many}`
}

/**
 * Digits one by one, as a voice should read them.
 *
 * @param {string} code
 */
export function spell(code) {
  return [...code].join(' ')
}
