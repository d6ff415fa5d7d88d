import { run, wordsOf } from './announce.js'
import { ask } from './ask.js'
import { byId, h, setText } from './dom.js'
import { kinds } from './fault.js'

/** @param {object} fault */
export const addFault = (fault) => ask('POST', '/_sandbox/faults', { body: fault })

const operations = [
  '*',
  'otp.*',
  'otp.send',
  'otp.resend',
  'otp.check',
  'otp.get',
  'otp.list',
  'otp.delete',
  'otp.events',
  'application.*',
  'sms.*',
  'chat.*',
  'webhook.*',
]

/** What a kind needs beside its name. */
const extras = /** @type {Record<string, { name: string, label: string, value: string }[]>} */ ({
  status: [{ name: 'status', label: 'Status', value: '500' }],
  html: [{ name: 'status', label: 'Status', value: '502' }],
  delay: [{ name: 'ms', label: 'Milliseconds', value: '3000' }],
  'slow-body': [{ name: 'ms', label: 'Milliseconds a byte', value: '100' }],
  redirect: [{ name: 'location', label: 'Location', value: 'https://example.com/' }],
})

const numeric = new Set(['status', 'ms', 'times', 'probability'])

export function startFaultForm() {
  const form = byId('fault-form', HTMLFormElement)
  const extra = h('div', { class: 'fields' })
  const kind = choice('kind', 'What goes wrong', kinds)
  const problem = h('p', { class: 'problem', hidden: true })
  const showExtras = () =>
    extra.replaceChildren(
      ...(extras[kind.field.value] ?? []).map(({ name, label, value }) =>
        input(name, label, value),
      ),
    )
  kind.field.addEventListener('change', showExtras)
  showExtras()
  form.append(
    h(
      'div',
      { class: 'fields' },
      choice('operation', 'Which calls', operations).labelled,
      kind.labelled,
      choice('when', 'Before or after the work', ['before', 'after']).labelled,
      input('number', 'Only for number', ''),
      input('times', 'Times', ''),
      input('probability', 'Probability, 0 to 1', ''),
    ),
    extra,
    problem,
    h('p', {}, h('button', { type: 'submit', class: 'primary' }, 'Turn on')),
  )
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const fault = /** @type {Record<string, string | number>} */ ({})
    for (const [name, value] of new FormData(form)) {
      if (typeof value !== 'string' || value === '') continue
      fault[name] = numeric.has(name) ? Number(value) : value.trim()
    }
    run(async () => {
      try {
        await addFault(fault)
        problem.hidden = true
      } catch (error) {
        problem.hidden = false
        setText(problem, wordsOf(error))
        throw error
      }
    })
  })
}

/**
 * @param {string} name
 * @param {string} label
 * @param {string[]} values
 */
function choice(name, label, values) {
  const options = values.map((value) => h('option', {}, value))
  const field = h('select', { id: `fault-${name}`, name }, ...options)
  return { field, labelled: labelled(label, field) }
}

/**
 * @param {string} name
 * @param {string} label
 * @param {string} value
 */
const input = (name, label, value) =>
  labelled(
    label,
    h('input', { id: `fault-${name}`, name, value, spellcheck: 'false', autocomplete: 'off' }),
  )

/**
 * @param {string} label
 * @param {HTMLElement} field
 */
const labelled = (label, field) => h('p', {}, h('label', { for: field.id }, label), field)
