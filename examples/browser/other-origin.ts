import { createOtpClient } from 'passport-tyntec-otp/browser'

// The page is on another origin than the API. `<meta name="api" content="https://api.example.com">`
const api = document.querySelector<HTMLMetaElement>('meta[name=api]')?.content ?? ''
const otp = createOtpClient({ baseUrl: `${api}/login` })

const form = document.querySelector('form')
const field = document.querySelector('input')
const news = document.querySelector('[role=status]')

form?.addEventListener('submit', (event) => {
  event.preventDefault()
  void step(field?.value ?? '')
})

async function step(text: string): Promise<void> {
  const pending = (await otp.status()).status === 'pending'
  const outcome = await (pending ? otp.check({ code: text }) : otp.send({ number: text }))
  switch (outcome.status) {
    case 'verified':
      return say(`Signed in as ${await numberOf()}`)
    case 'sent':
    case 'unconfirmed':
      if (field) field.value = ''
      return say(`Enter the code that was sent to ${outcome.to}`)
    case 'unreachable':
      return say('You seem to be offline. Try again.')
    default:
      return say(outcome.detail)
  }
}

/** Any call to the API needs `credentials`, or the browser leaves the session's cookie out. */
async function numberOf(): Promise<string> {
  const answer = await fetch(`${api}/me`, { credentials: 'include' })
  const { user } = (await answer.json()) as { user: { number: string } }
  return user.number
}

function say(text: string): void {
  if (news) news.textContent = text
}
