import { codeIn } from './message.js'

type Field = HTMLInputElement | null

/** The API of browsers that read a code out of a message. TypeScript does not know it yet. */
interface MessageRequest extends CredentialRequestOptions {
  otp: { transport: ['sms'] }
}

/** Every page asks again how far its flow is, while it is looked at. In milliseconds. */
const lookEvery = 15_000

/** A post that was stopped on its way may be tried again after these milliseconds. */
const busyFor = 8000

/**
 * Adds to the markup of the sign-in page what it can't do without a script: codes read from messages
 * and out of pasted ones, one post for a double click, a countdown, and news in the live region. The
 * page works without all of it. What it looks for is in the guide to the page's markup.
 *
 * @param root the element with `data-otp`
 */
export function bindOtp(root: HTMLElement): void {
  const { dataset } = root
  const find = (name: string) => root.querySelector<HTMLElement>(`[data-otp-${name}]`)
  const buttons = () => root.querySelectorAll<HTMLButtonElement>('[data-otp-form=resend] button')
  const live = find('live')
  const checkForm = root.querySelector<HTMLFormElement>('[data-otp-form=check]')
  const field: Field = root.querySelector('[autocomplete=one-time-code]')
  const now = () => performance.now() / 1000
  const until = (seconds?: string | number) =>
    seconds === undefined ? undefined : now() + Number(seconds)

  let retryAt = until(dataset.retry)
  let endsAt = until(dataset.expires)
  let delivery = dataset.delivery
  let reading: AbortController | undefined
  let busy = 0

  const say = (text = '', isBad = false) => {
    if (!live) return
    live.toggleAttribute('data-bad', isBad)
    live.textContent = text
  }
  const waiting = () => Math.ceil((retryAt ?? 0) - now())
  const clock = (seconds: number) =>
    `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
  const leave = () => location.replace(dataset.homeUrl ?? location.href)

  function tick(): void {
    if (endsAt !== undefined && endsAt <= now()) {
      endsAt = undefined
      leave()
    }
    if (retryAt === undefined) return
    const left = waiting()
    const wait = find('wait')
    if (wait) wait.hidden = left <= 0
    for (const button of buttons()) {
      // Not disabled: that would take the focus away.
      button.setAttribute('aria-disabled', String(left > 0))
    }
    const countdown = find('countdown')
    if (countdown && left > 0) countdown.textContent = clock(left)
    if (left <= 0) {
      retryAt = undefined
      say(dataset.sayResend)
    }
  }

  /** What the server says goes before what was counted here: a device that sleeps counts nothing. */
  async function look(): Promise<void> {
    if (!dataset.statusUrl || endsAt === undefined || document.hidden) return
    try {
      const answer = await fetch(dataset.statusUrl, { headers: { accept: 'application/json' } })
      if (!answer.ok) return
      const status = await answer.json()
      // Signed in by another tab, cancelled or over.
      if (status.expiresIn === undefined) return leave()
      // The code has come another way since. What somebody has begun to type stays.
      if (dataset.via && status.via !== dataset.via && !field?.value) return location.reload()
      endsAt = until(status.expiresIn)
      const { retryAfter, channels } = status.resend
      if (retryAt !== undefined || retryAfter > 0) retryAt = until(retryAfter)
      // After a failed delivery only the other ways are left, and at once.
      for (const button of buttons()) {
        button.hidden = button.value !== '' && !channels.includes(button.value)
      }
      tick()
      // Said last: that there is nothing to wait for any more comes of it.
      if (status.delivery !== delivery) {
        delivery = status.delivery
        if (delivery === 'failed') say(dataset.sayFailed, true)
        if (delivery === 'delivered') say(dataset.sayDelivered)
      }
    } catch {
      // The page goes on with what it knows.
    }
  }

  async function readMessage(): Promise<void> {
    if (!field || !checkForm || !('OTPCredential' in window)) return
    reading = new AbortController()
    const request: MessageRequest = { otp: { transport: ['sms'] }, signal: reading.signal }
    try {
      const credential = await navigator.credentials.get(request)
      if (!credential || !('code' in credential)) return
      field.value = String(credential.code)
      say(dataset.sayFilled)
      if (dataset.autosubmit !== 'off') checkForm.requestSubmit()
    } catch {
      // Not allowed, not wanted, or stopped: the person types it.
    }
  }

  root.addEventListener('submit', (event) => {
    const form = event.target as HTMLFormElement
    const { otpForm } = form.dataset
    if (otpForm === undefined) return
    const left = otpForm === 'resend' ? waiting() : 0
    if (left > 0) {
      event.preventDefault()
      say(dataset.sayWait?.replace('{time}', clock(left)))
    } else if (now() < busy) event.preventDefault()
    else {
      busy = now() + busyFor / 1000
      reading?.abort()
      say(form.dataset.busy)
    }
  })
  field?.addEventListener('paste', (event) => {
    const code = codeIn(event.clipboardData?.getData('text') ?? '', Number(dataset.length))
    if (!code) return
    event.preventDefault()
    field.value = code
    say(dataset.sayFilled)
  })
  addEventListener('pagehide', () => reading?.abort())
  addEventListener('pageshow', ({ persisted }) => {
    if (!persisted) return
    busy = 0
    say()
    void readMessage()
    void look()
  })
  document.addEventListener('visibilitychange', () => void look())
  setInterval(tick, 1000)
  setInterval(() => void look(), lookEvery)

  const end = find('until')
  if (end && dataset.expires) {
    const time = new Date(Date.now() + Number(dataset.expires) * 1000)
    const { lang } = document.documentElement
    const shown = time.toLocaleTimeString(lang || [], { hour: 'numeric', minute: '2-digit' })
    end.textContent = (end.dataset.otpUntil ?? '').replace('{time}', shown)
  }
  // A live region is read when it changes, not when it comes with the page.
  const news = [...(live?.childNodes ?? [])]
  if (live && news.length > 0) {
    live.replaceChildren()
    setTimeout(() => live.replaceChildren(...news), 200)
  }
  tick()
  void readMessage()
}
