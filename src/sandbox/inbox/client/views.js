import { byId, setText } from './dom.js'
import { newestCode, showPhoneOnly } from './feed.js'
import { formatNumber } from './format.js'
import { choosePhone } from './phones.js'

const views = ['phones', 'calls', 'faults', 'numbers', 'text']

/** The number in the address, as the sandbox writes numbers: there a + that is not encoded is a space. */
export function currentPhone() {
  const digits = (new URLSearchParams(location.search).get('to') ?? '').replace(/\D/g, '')
  return digits === '' ? undefined : `+${digits}`
}

/** @param {string} view */
export function openView(view) {
  for (const name of views) {
    byId(name, HTMLElement).hidden = name !== view
    const tab = document.querySelector(`.tabs a[href="#${name}"]`)
    if (name === view) tab?.setAttribute('aria-current', 'page')
    else tab?.removeAttribute('aria-current')
  }
}

/** @param {{ focus: boolean }} options */
function followAddress({ focus }) {
  const view = views.find((name) => location.hash === `#${name}`) ?? 'phones'
  openView(view)
  const phone = currentPhone()
  showPhoneOnly(phone)
  choosePhone(phone)
  setText(byId('phones-title', HTMLElement), phone === undefined ? 'Inbox' : formatNumber(phone))
  if (focus) byId(`${view}-title`, HTMLElement).focus({ preventScroll: true })
}

let titleIsDue = false

/** The code in the title can be read from another tab. */
export function showTitle() {
  if (titleIsDue) return
  titleIsDue = true
  setTimeout(() => {
    titleIsDue = false
    const code = newestCode()
    document.title = code === '' ? 'Sandbox inbox' : `${code} · Sandbox inbox`
  }, 50)
}

/** The message that the address names, as a link to it does. */
export const linkedMessage = () => /^\/m\/([0-9]+)$/.exec(location.pathname)?.[1]

/** @param {string} address */
function goTo(address) {
  history.pushState(null, '', address)
  followAddress({ focus: true })
  scrollTo(0, 0)
  showTitle()
}

export function startViews() {
  document.addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return
    const link = event.target instanceof Element ? event.target.closest('a') : null
    if (!link || link.origin !== location.origin || link.hash === '#feed') return
    if (link.pathname !== '/' && link.pathname !== location.pathname) return
    event.preventDefault()
    goTo(link.href)
  })
  addEventListener('popstate', () => followAddress({ focus: false }))
  followAddress({ focus: false })
}
