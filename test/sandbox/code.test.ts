import { expect, test } from 'vitest'
import { codeIn } from '../../src/sandbox/code.js'

test.each([
  ['424242 is your Acme code.', '424242'],
  ['Dein Code: 4242', '4242'],
  ['12 is not it, 123456 is.', '123456'],
  ['Call +12015550100 with 98765', '98765'],
  ['1234567890123 is no code', ''],
  ['a1b2c3 is your code.\n\n@login.acme.example #a1b2c3', 'a1b2c3'],
  ['111111 first.\n\n@login.acme.example #222222', '222222'],
  ['@login.acme.example #a1b2c3\nmore', ''],
  ['Hello', ''],
  ['', ''],
])('%j holds the code "%s"', (text, code) => {
  expect(codeIn(text)).toBe(code)
})
