import type { PageTexts } from './texts.js'

export const en: PageTexts = {
  title: 'Sign in',
  errorTitle: 'Error: {title}',
  errorHeading: 'There is a problem',
  errorPrefix: 'Error:',

  numberHeading: 'Sign in with your phone',
  numberLabel: 'Mobile number',
  numberHint: 'Start with the country code, like {example}.',
  countries: 'You can use numbers from {countries}.',
  viaLegend: 'How should the code reach you?',
  via: { sms: 'Text message', voice: 'Phone call', whatsapp: 'WhatsApp' },
  send: 'Send code',
  rates: 'You get a code to enter on the next page. Message rates may apply.',

  codeHeading: 'Check your phone',
  codeLabel: 'Security code',
  sent: {
    sms: 'We texted a {length}-digit code to {to}.',
    voice: 'We are calling {to} to read you a {length}-digit code.',
    whatsapp: 'We sent a {length}-digit code to {to} on WhatsApp.',
  },
  sentLetters: {
    sms: 'We texted a code of {length} letters and digits to {to}.',
    voice: 'We are calling {to} to read you a code of {length} letters and digits.',
    whatsapp: 'We sent a code of {length} letters and digits to {to} on WhatsApp.',
  },
  delivered: 'It has reached your phone.',
  failed: 'Our message to {to} could not be delivered.',
  failedAdvice: 'Check the number, or get the code another way.',
  unconfirmed:
    'We can’t tell yet whether a message to {to} went out. If a code arrives, enter it here. If none does, ask for it again.',
  outage:
    'We can’t reach our own records right now. If you have a code, enter it here and try again in a moment.',
  works: 'The code works for {time}.',
  worksUntil: 'The code works until {time}.',
  check: 'Continue',
  resend: {
    sms: 'Send the code again',
    voice: 'Call me again',
    whatsapp: 'Send it again on WhatsApp',
  },
  instead: { sms: 'Text me instead', voice: 'Call me instead', whatsapp: 'Use WhatsApp instead' },
  wait: 'You can ask for it again in {time}.',
  usedUp: 'We can’t send this code again. If it does not arrive, use a different number.',
  change: 'Use a different number',

  ended: { expired: 'That code has expired', attempts: 'Too many wrong codes' },
  endedHint: 'We can send a new code to {to}.',
  endedUsedUp:
    'We can’t send another code to {to} now. Try again later, or use a different number.',
  newCode: 'Send a new code',

  signedIn: 'You are signed in',
  signedInHint: 'There is nothing left to do on this page.',
  goOn: 'Continue',

  noPhone: 'No access to this phone?',
  help: 'Help',
  terms: 'Terms',
  privacy: 'Privacy',

  resent: {
    sms: 'Code sent again.',
    voice: 'Calling you now.',
    whatsapp: 'Code sent again.',
  },
  canResend: 'You can now ask for the code again.',
  filled: 'Code filled in from your message.',
  sending: 'Sending …',
  checking: 'Checking …',

  triesLeft: { one: 'You have one try left.', other: 'You have {count} tries left.' },
  writePlus: 'That can be read as two numbers. Start with + and the country code, like {example}.',
  malformedLetters: 'A code has {length} letters and digits. Enter it again.',
  later: 'in a while',
  problems: {
    bad_request: 'That did not work. Try again.',
    number_required: 'Enter your phone number.',
    invalid_number: 'Enter a phone number with its country code, like {example}.',
    number_not_allowed: 'We can’t send codes to this number. Use a different one.',
    channel_not_allowed: 'We can’t send the code this way. Choose another way.',
    sign_in_refused: 'You can’t sign in with this number.',
    cross_site: 'That came from another site, so we did not do it. Start again here.',
    challenge_required: 'Show that you are not a program, then try again.',
    code_required: 'Enter the code that we sent you.',
    malformed_code: 'A code has {length} digits. Enter it again.',
    invalid_code: 'That code is not right. Check it and try again.',
    no_pending_code: 'Your sign-in has timed out. Enter your number again.',
    check_in_progress: 'We are checking a code already. Try again in a moment.',
    code_expired: 'That code has expired. Ask for a new one.',
    too_many_attempts: 'Those were too many wrong codes. Ask for a new one.',
    resend_too_soon: 'You can ask for the code again {when}.',
    rate_limited: 'There were too many tries. Try again {when}.',
    service_unavailable: 'This does not work right now. Try again {when}.',
  },
}
