import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { OtpError, type OtpErrorCode } from 'passport-tyntec-otp'
import { describe, expect, test, vi } from 'vitest'
import { createProblem, isProblemCode } from '../../src/http/problem.js'
import { type ValidationName, validationCodes } from '../../src/setup/checks.js'
import { warnOnce } from '../../src/setup/terminal.js'
import { slugOf } from './markdown.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
const page = readFileSync(`${root}docs/errors.md`, 'utf8')
const [, errors = '', problems = '', warnings = ''] = page.split(/^## /m)

/** Its parts by their codes. */
function partsOf(text: string): Map<string, string> {
  const parts = text.split(/^### /m).slice(1)
  return new Map(
    parts.map((part) => [part.slice(0, part.indexOf('\n')), part.replace(/\s+/g, ' ')]),
  )
}

function sources(): string[] {
  const files = ['src', 'adapters'].flatMap((folder) =>
    readdirSync(root + folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts') && !file.startsWith('sandbox'))
      .map((file) => `${root}${folder}/${file}`),
  )
  return files.map((file) => readFileSync(file, 'utf8'))
}

/** All codes of a form that our sources speak of. */
function codesInSources(pattern: RegExp): string[] {
  const found = sources().flatMap((text) => text.match(pattern) ?? [])
  return [...new Set(found.map((code) => code.slice(1, -1)))].toSorted()
}

describe('docs/errors.md', () => {
  test('has every code of an error, and no other', () => {
    const codes = codesInSources(/'ERR_OTP_[A-Z_]+'/g)
    expect([...partsOf(errors).keys()].toSorted()).toEqual(codes)
  })

  test('has every code of a problem with its status, and no other', () => {
    const parts = partsOf(problems)
    const [, union = ''] = /type ProblemCode =(.*?)\n\n/s.exec(sources().join('\n')) ?? []
    const codes = [...(union.match(/\w+/g) ?? [])].filter(isProblemCode)
    expect(codes.length).toBeGreaterThan(10)
    expect([...parts.keys()].toSorted()).toEqual(codes.toSorted())
    for (const code of codes) {
      const { status } = createProblem(
        { fields: {} as never, revealAttempts: false },
        { status: code },
      )
      expect(parts.get(code)).toContain(`**${status}`)
    }
  })

  test('has every warning, and no other, and each check with its code', () => {
    const parts = partsOf(warnings)
    const codes = codesInSources(/'OTP_[A-Z_]+'/g)
    expect([...parts.keys()].toSorted()).toEqual(codes)
    for (const name of Object.keys(validationCodes) as ValidationName[]) {
      const code = validationCodes[name]
      const text = code === 'ERR_OTP_MISUSE' ? warnings : parts.get(code)
      expect(text).toMatch(new RegExp(`[Cc]heck \`${name}\``))
    }
  })

  test('says of each code what causes it and how it is mended', () => {
    for (const part of [errors, problems, warnings]) {
      for (const [code, text] of partsOf(part)) {
        expect(`${code}: ${text}`).toMatch(/\*\*Cause\.\*\* .+ \*\*Fix\.\*\* /)
      }
    }
  })
})

test('every error leads to its part of the page', () => {
  for (const code of partsOf(errors).keys()) {
    const { help } = new OtpError(code as OtpErrorCode, 'It failed')
    expect(help).toBe(`passport-tyntec-otp/docs/errors.md#${slugOf(code)}`)
  }
})

test('every warning leads to its part of the page', () => {
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  for (const code of partsOf(warnings).keys()) {
    warnOnce(`test of ${code}`, code, 'It is set up wrong')
    expect(warned).toHaveBeenLastCalledWith(
      'It is set up wrong',
      expect.objectContaining({
        code,
        detail: `passport-tyntec-otp/docs/errors.md#${slugOf(code)}`,
      }),
    )
  }
})
