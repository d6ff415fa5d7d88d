import type { OtpPage } from 'passport-tyntec-otp'

/** A page that signs in, without JavaScript. `status` is what `GET /status` answers. */
export function page(user: { number: string } | undefined, status: OtpPage): string {
  return layout(user ? signedIn(user.number) : bodyOf(status), status)
}

function bodyOf(status: OtpPage): string {
  switch (status.status) {
    case 'none':
      return start
    case 'ended':
      return ended
    default:
      return code(status)
  }
}

const ended = `
<h1>The code has ended</h1>
<form method="post" action="/login/resend"><button>Send a new code</button></form>
<form method="post" action="/login/cancel"><button class="second">Use a different number</button></form>`

const start = `
<h1>Sign in with your phone</h1>
<form method="post" action="/login/send">
  <label for="number">Mobile number</label>
  <p id="hint">With the country code, like +1 201 555 0100. We text you a code.</p>
  <input id="number" name="number" type="tel" autocomplete="tel" required maxlength="32"
    spellcheck="false" dir="ltr" translate="no" aria-describedby="hint">
  <button>Send code</button>
</form>`

function code(status: Exclude<OtpPage, { status: 'none' | 'ended' }>): string {
  const minutes = Math.ceil(status.expiresIn / 60)
  const { allowed, retryAfter, remaining } = status.resend
  return `
<h1>Check your phone</h1>
<form method="post" action="/login/check">
  <label for="code">Security code</label>
  <p id="hint">${status.status === 'unconfirmed' ? 'A code may have gone' : 'We sent a code'} to
    <span dir="ltr" translate="no">${escape(status.to)}</span>. Its ${status.codeLength} numbers work for ${minutes} minutes.</p>
  <input id="code" name="code" type="text" inputmode="numeric" autocomplete="one-time-code" required
    spellcheck="false" autocapitalize="none" dir="ltr" translate="no" aria-describedby="hint" autofocus>
  <button>Continue</button>
</form>
${remaining > 0 ? `<form method="post" action="/login/resend"><button class="second">Send the code again</button></form>` : ''}
${remaining > 0 && !allowed ? `<p>You can ask for it again in ${retryAfter} seconds.</p>` : ''}
<form method="post" action="/login/cancel"><button class="second">Use a different number</button></form>`
}

function signedIn(number: string): string {
  return `
<h1>You are signed in</h1>
<p>Your number is <span dir="ltr" translate="no">${escape(number)}</span>.</p>
<form method="post" action="/logout"><button>Sign out</button></form>`
}

function layout(body: string, { outcome }: OtpPage): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,">
<title>${outcome ? 'Error: ' : ''}Sign in</title>
<style>
body { font: 1.1rem/1.5 system-ui, sans-serif; max-width: 26rem; margin: 3rem auto; padding: 0 1rem }
label { font-weight: bold } input { font: inherit; width: 100%; box-sizing: border-box; padding: .5rem }
button { font: inherit; padding: .5rem 1rem; margin-top: .8rem } .error { border-left: .3rem solid #b00; padding-left: .8rem }
</style>
</head>
<body><main>
${outcome ? `<div class="error" role="alert"><p>${escape(outcome.detail)}</p></div>` : ''}
${body}
</main></body>
</html>`
}

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`)
}
