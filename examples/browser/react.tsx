import { createOtpClient, type OtpSent } from 'passport-tyntec-otp/browser'
import { useState } from 'react'
import { createRoot } from 'react-dom/client'

const otp = createOtpClient({ baseUrl: '/login' })

function SignIn({ onSignedIn }: { onSignedIn: () => void }) {
  const [sent, setSent] = useState<OtpSent>()
  const [text, setText] = useState('')
  const [problem, setProblem] = useState('')

  async function step() {
    const outcome = await (sent ? otp.check({ code: text }) : otp.send({ number: text }))
    if (outcome.status === 'verified') return onSignedIn()
    if (outcome.status === 'unreachable') return setProblem('You seem to be offline. Try again.')
    if (outcome.status !== 'sent' && outcome.status !== 'unconfirmed') {
      return setProblem(outcome.detail)
    }
    setSent(outcome)
    setText('')
  }

  function submit(event: { preventDefault: () => void }) {
    event.preventDefault()
    setProblem('')
    void step()
  }

  const field = sent
    ? ({ inputMode: 'numeric', autoComplete: 'one-time-code' } as const)
    : ({ type: 'tel', autoComplete: 'tel' } as const)
  return (
    <form onSubmit={submit}>
      <label htmlFor="text">{sent ? `The code sent to ${sent.to}` : 'Mobile number'}</label>
      <input id="text" value={text} onChange={({ target }) => setText(target.value)} {...field} />
      <button>{sent ? 'Continue' : 'Send code'}</button>
      <p role="status">{problem}</p>
    </form>
  )
}

function App() {
  const [signedIn, setSignedIn] = useState(false)
  return signedIn ? <h1>You are signed in</h1> : <SignIn onSignedIn={() => setSignedIn(true)} />
}

const root = document.querySelector('#root')
if (root) createRoot(root).render(<App />)
