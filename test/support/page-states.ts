import type { PagePending, PageProblem, PageState } from '../../src/page/state.js'

const pending: PagePending = {
  status: 'pending',
  to: '•••0100',
  via: 'sms',
  expiresIn: 287,
  codeLength: 6,
  resend: { allowed: false, retryAfter: 27, remaining: 3, channels: ['sms', 'voice'] },
  delivery: 'unknown',
}
const free = { ...pending.resend, allowed: true, retryAfter: 0 }

function number(problem?: PageProblem, typed = ''): PageState {
  return { step: 'number', number: typed, problem }
}

function code(changes: Partial<PagePending> = {}, problem?: PageProblem): PageState {
  return { step: 'code', pending: { ...pending, ...changes }, problem, notice: undefined }
}

function ended(
  why: 'expired' | 'attempts',
  resend: Partial<PagePending['resend']> = free,
): PageState {
  const state = { ...pending.resend, ...resend }
  return {
    step: 'ended',
    ended: { status: 'ended', why, to: pending.to, resend: state },
    problem: undefined,
  }
}

/** Everything that the page may have to show, by a name for it. */
export const pageStates: Record<string, PageState> = {
  number: number(),
  'number required': number({ code: 'number_required' }),
  'invalid number': number({ code: 'invalid_number' }, '0151 23'),
  'number with two readings': number({ code: 'invalid_number', hint: 'write_plus' }, '0049 151 23'),
  'number not allowed': number({ code: 'number_not_allowed' }, '+44 7400 123456'),
  'rate limited': number({ code: 'rate_limited', retryAfter: 600 }, '+1 201 555 0100'),
  outage: number({ code: 'service_unavailable', retryAfter: 5 }, '+1 201 555 0100'),
  'timed out': number({ code: 'no_pending_code' }),
  refused: number({ code: 'sign_in_refused', detail: 'Only staff can sign in <here> {x}.' }),
  code: code(),
  'code can be resent': code({ resend: free }),
  'code delivered': code({ delivery: 'delivered' }),
  'code failed': code({ delivery: 'failed', resend: { ...free, channels: ['voice'] } }),
  'code failed, no other way': code({
    delivery: 'failed',
    resend: { ...pending.resend, channels: ['sms'] },
  }),
  'code unconfirmed': code({ status: 'unconfirmed' }),
  'code by call': code({ via: 'voice' }),
  'code by WhatsApp': code({
    via: 'whatsapp',
    resend: { ...free, channels: ['whatsapp', 'sms', 'voice'] },
  }),
  'code resent': { step: 'code', pending, problem: undefined, notice: 'resent' },
  'code used up': code({ resend: { ...pending.resend, remaining: 0, retryAfter: 0 } }),
  'code required': code({}, { code: 'code_required' }),
  'code malformed': code({}, { code: 'malformed_code' }),
  'code wrong': code({}, { code: 'invalid_code' }),
  'code wrong, last try': code({}, { code: 'invalid_code', attemptsRemaining: 1 }),
  'code wrong, two tries': code({}, { code: 'invalid_code', attemptsRemaining: 2 }),
  'too soon': code({}, { code: 'resend_too_soon', retryAfter: 27 }),
  'code in an outage': code({}, { code: 'service_unavailable', retryAfter: 5 }),
  'code unknown': { step: 'code', pending: undefined, problem: undefined, notice: undefined },
  'code unknown, outage': {
    step: 'code',
    pending: undefined,
    problem: { code: 'service_unavailable', retryAfter: 5 },
    notice: undefined,
  },
  expired: ended('expired'),
  'expired, wait': ended('expired', { allowed: false, retryAfter: 45 }),
  'expired, used up': ended('expired', { allowed: false, remaining: 0 }),
  'attempts used up': ended('attempts'),
  'signed in': { step: 'signed-in' },
}
