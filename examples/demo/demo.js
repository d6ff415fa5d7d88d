// Takes what the phone offers (a code, a number to try) into the app's form. The app is this page's
// own origin, the phone another one.
const app = document.querySelector('#app')
const phone = document.querySelector('#phone')

addEventListener('message', ({ source, origin, data }) => {
  if (source !== phone.contentWindow || origin !== new URL(phone.src).origin) return
  const { fill, value } = data ?? {}
  if (!['code', 'number'].includes(fill) || typeof value !== 'string') return
  const field = app.contentDocument?.querySelector(`input[name=${fill}]`)
  if (!field) return
  field.value = value
  field.dispatchEvent(new Event('input', { bubbles: true }))
  field.focus()
})
