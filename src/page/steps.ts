import { changeNumber, form, live, resendForm, spoken, to, wait } from './forms.js'
import { attributes, type Html, markup } from './markup.js'
import { layout } from './layout.js'
import { tell } from './problem.js'
import type { PagePending, PageState } from './state.js'
import type { PageView } from './view.js'
import { countryList, fill, fillText, lasting } from './words.js'

type Step<Name extends PageState['step']> = Extract<PageState, { step: Name }>

/** More names than these are no help, but a list to read. */
const fewCountries = 5

export function numberStep(view: PageView, { number, problem }: Step<'number'>): string {
  const { texts, fields, language, channels, countries, example } = view
  const told = tell(view, problem, 'number')
  const shown = markup`<span class="to" dir="ltr" translate="no">${example}</span>`
  const few = countries !== 'any' && countries.length <= fewCountries && countries
  const input = attributes({
    id: 'number',
    name: fields.number,
    type: 'tel',
    autocomplete: 'tel',
    required: true,
    maxlength: 64,
    enterkeyhint: 'send',
    spellcheck: 'false',
    dir: 'ltr',
    translate: 'no',
    value: number,
    ...told.field,
  })
  const body = markup`${told.summary}
    <h1>${texts.numberHeading}</h1>
    ${live(told.notice)}
    ${form(
      view,
      'send',
      texts.sending,
      markup`<input type="hidden" name="${fields.language}" value="${language}">
<label for="number">${texts.numberLabel}</label>
<p class="hint" id="hint">${fill(texts.numberHint, { example: shown })}${
        few && markup` ${fill(texts.countries, { countries: countryList(language, few) })}`
      }</p>
${told.atField}
<input${input}>
${channels.length > 1 && ways(view)}
<button>${texts.send}</button>
<p class="hint">${texts.rates}</p>`,
    )}`
  return layout(view, { isError: told.summary !== undefined, body })
}

function ways({ texts, fields, channels }: PageView): Html {
  const choices = channels.map(
    (way, index) =>
      markup`<label><input${attributes({
        type: 'radio',
        name: fields.via,
        value: way,
        checked: index === 0,
      })}> ${texts.via[way]}</label>`,
  )
  return markup`<fieldset>
    <legend>${texts.viaLegend}</legend>
    <div class="choices">${choices}</div>
  </fieldset>`
}

export function codeStep(view: PageView, { pending, problem, notice }: Step<'code'>): string {
  const { texts, fields, codeAlphabet } = view
  const told = tell(view, problem, 'code')
  const failed = pending?.delivery === 'failed'
  const news = notice && pending && texts.resent[pending.via]
  const input = attributes({
    id: 'code',
    class: 'code',
    name: fields.code,
    type: 'text',
    inputmode: codeAlphabet === 'digits' ? 'numeric' : 'text',
    autocomplete: 'one-time-code',
    required: true,
    enterkeyhint: 'done',
    spellcheck: 'false',
    autocapitalize: 'none',
    autocorrect: 'off',
    dir: 'ltr',
    translate: 'no',
    autofocus: told.summary === undefined,
    ...told.field,
  })
  const body = markup`${told.summary}
    <h1>${texts.codeHeading}</h1>
    ${live(told.notice ?? (failed ? undeliverable(view, pending) : news), failed && !told.notice)}
    ${form(
      view,
      'check',
      texts.checking,
      markup`<p class="hint" id="hint">${pending ? sent(view, pending) : texts.outage}</p>
<label for="code">${texts.codeLabel}</label>
${told.atField}
<input${input}>
<button>${texts.check}</button>`,
    )}
    <div class="rest">${pending && again(view, pending)} ${changeNumber(view)} ${noPhone(view)}</div>`
  return layout(view, {
    isError: told.summary !== undefined,
    data: {
      'status-url': `${view.base}status`,
      'home-url': home(view),
      length: pending?.codeLength ?? view.codeLength,
      ...(pending && {
        expires: pending.expiresIn,
        retry: waitOf(pending.resend),
        via: pending.via,
        delivery: pending.delivery,
        'say-delivered': texts.delivered,
        'say-failed': `${fillText(texts.failed, { to: pending.to })} ${adviceFor(view, pending)}`,
      }),
      ...spoken(view),
    },
    body,
  })
}

/** Where the code is, and how long it works. */
function sent(view: PageView, pending: PagePending): Html {
  const { texts, language, codeAlphabet } = view
  const { status, via, codeLength: length, delivery, expiresIn } = pending
  const sentence =
    status === 'unconfirmed'
      ? texts.unconfirmed
      : (codeAlphabet === 'digits' ? texts.sent : texts.sentLetters)[via]
  const works = fill(texts.works, { time: lasting(language, expiresIn) })
  return markup`${delivery === 'failed' ? '' : fill(sentence, { to: to(pending.to), length })}
    ${delivery === 'delivered' && texts.delivered}
    <span data-otp-until="${texts.worksUntil}">${works}</span>`
}

function undeliverable(view: PageView, pending: PagePending): Html {
  const { texts } = view
  return markup`${fill(texts.failed, { to: to(pending.to) })} ${adviceFor(view, pending)}`
}

/** Another way is spoken of only where there is one. */
function adviceFor({ texts }: PageView, { via, resend }: PagePending): string {
  const hasOther = resend.channels.some((channel) => channel !== via)
  return hasOther ? texts.failedAdvice : texts.failedNumber
}

function again(view: PageView, { via, resend }: PagePending): Html {
  if (resend.remaining <= 0) return markup`<p>${view.texts.usedUp}</p>`
  return resendForm(view, { via, ...resend })
}

function noPhone({ page: { helpUrl }, texts }: PageView): Html | undefined {
  if (helpUrl === undefined) return undefined
  return markup`<a class="quiet" href="${helpUrl}">${texts.noPhone}</a>`
}

export function endedStep(view: PageView, { ended, problem }: Step<'ended'>): string {
  const { texts } = view
  const { resend } = ended
  const told = tell(view, problem)
  const hint = resend.remaining > 0 ? texts.endedHint : texts.endedUsedUp
  const button = markup`<button>${texts.newCode}</button>${wait(view, resend.retryAfter)}`
  const body = markup`${told.summary}
    <h1>${texts.ended[ended.why]}</h1>
    ${live(told.notice)}
    <p>${fill(hint, { to: to(ended.to) })}</p>
    ${resend.remaining > 0 && form(view, 'resend', texts.sending, button)}
    <div class="rest">${changeNumber(view)}</div>`
  return layout(view, {
    isError: told.summary !== undefined,
    data: {
      'home-url': home(view),
      retry: waitOf(resend),
      ...spoken(view),
    },
    body,
  })
}

export function signedInStep(view: PageView): string {
  const { texts, next } = view
  const body = markup`<p class="done" aria-hidden="true">✓</p>
    <h1>${texts.signedIn}</h1>
    <p>${texts.signedInHint}</p>
    <a class="button" href="${next}">${texts.goOn}</a>`
  return layout(view, { isError: false, body })
}

/** Seconds that the script counts down, where there is something to wait for. */
function waitOf({ remaining, retryAfter }: PagePending['resend']): number | undefined {
  return remaining > 0 && retryAfter > 0 ? retryAfter : undefined
}

/** The page itself, asked to go on at once when somebody is signed in. */
function home({ base }: PageView): string {
  return `${base}?continue`
}
