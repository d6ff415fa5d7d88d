import { type Html, markup, type Part } from './markup.js'
import type { PageProblem } from './state.js'
import type { PageView } from './view.js'
import { countryList, fill, fromNow, plural } from './words.js'

/** Why something was refused, as a step shows it. */
export interface Told {
  /** A list of what to mend, on top and with the focus. Empty for what is nobody's mistake. */
  summary: Html | undefined
  /** Beside the field to blame. */
  atField: Html | undefined
  /** Attributes of that field. */
  field: { 'aria-invalid'?: 'true'; 'aria-describedby': string }
  /** Said as any news: a wait is no mistake. */
  notice: Html | undefined
}

type Field = 'number' | 'code'

/** The field that a problem is about. All others are about the step as a whole. */
const blamed: Partial<Record<PageProblem['code'], Field>> = {
  number_required: 'number',
  invalid_number: 'number',
  number_not_allowed: 'number',
  code_required: 'code',
  malformed_code: 'code',
  invalid_code: 'code',
}

function isNews(problem: PageProblem | undefined): boolean {
  return problem?.code === 'resend_too_soon' || problem?.code === 'check_in_progress'
}

/** `field` is the one that the step has, whose hint has the id `hint`. */
export function tell(view: PageView, problem: PageProblem | undefined, field?: Field): Told {
  const hint = { 'aria-describedby': 'hint' }
  const none = { summary: undefined, atField: undefined, field: hint, notice: undefined }
  if (!problem) return none
  const text = words(view, problem)
  if (isNews(problem)) return { ...none, notice: text }

  const { texts } = view
  const atField = field !== undefined && blamed[problem.code] === field
  return {
    // Takes the focus, also without a script.
    summary: markup`<div class="errors" role="alert" tabindex="-1" autofocus>
      <h2>${texts.errorHeading}</h2>
      <ul>
        <li>${atField ? markup`<a href="#${field}">${text}</a>` : text}</li>
      </ul>
    </div>`,
    atField: atField
      ? markup`<p class="field-error" id="error">
          <span class="hidden">${texts.errorPrefix}</span> ${text}
        </p>`
      : undefined,
    field: atField ? { 'aria-invalid': 'true', 'aria-describedby': 'hint error' } : hint,
    notice: undefined,
  }
}

function words(view: PageView, problem: PageProblem): Html {
  const { texts, language, countries, example, codeLength, codeAlphabet } = view
  const { code, retryAfter, attemptsRemaining, hint } = problem
  const values = {
    example: markup`<span class="to" dir="ltr" translate="no">${example}</span>`,
    length: codeLength,
    when: retryAfter === undefined ? texts.later : fromNow(language, retryAfter),
  }
  const more: Part[] = []
  if (code === 'invalid_code' && attemptsRemaining !== undefined && attemptsRemaining > 0) {
    more.push(' ', plural(language, texts.triesLeft, attemptsRemaining))
  }
  if (code === 'number_not_allowed' && countries !== 'any') {
    more.push(' ', fill(texts.countries, { countries: countryList(language, countries) }))
  }
  // What an app says itself is shown as it is, braces too.
  if (code === 'sign_in_refused' && problem.detail !== undefined) return markup`${problem.detail}`
  const withLetters = code === 'malformed_code' && codeAlphabet === 'alphanumeric'
  const text = withLetters ? texts.malformedLetters : texts.problems[code]
  return markup`${fill(hint === 'write_plus' ? texts.writePlus : text, values)}${more}`
}
