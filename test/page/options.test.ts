import { describe, expect, test } from 'vitest'
import { contrast } from '../../src/page/colors.js'
import { type PageOptions, resolvePage } from '../../src/page/options.js'
import { de } from '../../src/page/texts/de.js'
import { en } from '../../src/page/texts/en.js'

describe('options of the page', () => {
  test('need nothing but a name', () => {
    const page = resolvePage({ name: 'Acme' })
    expect(page.languages).toEqual(['en', 'de'])
    expect(page.texts.get('de')).toEqual(de)
  })

  test.each<[options: object, message: string]>([
    [{}, '"page.name" must be a text of up to 100 characters'],
    [{ name: ' ' }, '"page.name" must be'],
    [{ name: 'Acme', color: {} }, '"page.color" must be a part of "page"'],
    [{ name: 'Acme', logo: 'http://acme.example/logo.svg' }, '"page.logo" must be a path'],
    [{ name: 'Acme', logo: '//evil.example/logo.svg' }, '"page.logo" must be'],
    [{ name: 'Acme', helpUrl: 'javascript:alert(1)' }, '"page.helpUrl" must be'],
    [{ name: 'Acme', termsUrl: '/a b' }, '"page.termsUrl" must be'],
    [{ name: 'Acme', colors: { light: { accent: 'red' } } }, '"page.colors.light.accent" must be'],
    [{ name: 'Acme', colors: { light: { accent: '#fff;}' } } }, '"page.colors.light.accent"'],
    [{ name: 'Acme', colors: { blue: {} } }, '"page.colors.blue" must be a part of'],
    [
      { name: 'Acme', colors: { light: { text: '#aaa' } } },
      '"page.colors.light" must be colours with a contrast of 4.5 to 1',
    ],
    [{ name: 'Acme', languages: ['fr'] }, '"page.texts.fr" must be a catalogue'],
    [{ name: 'Acme', languages: [] }, '"page.languages" must be a list of languages'],
    [{ name: 'Acme', languages: ['_'] }, '"page.languages[0]" must be a language'],
    [
      { name: 'Acme', texts: { fr: { title: 'Connexion' } } },
      '"page.texts.fr.errorTitle" must be there',
    ],
    [
      { name: 'Acme', texts: { en: { titel: 'Log in' } } },
      '"page.texts.en.titel" must be a text of',
    ],
    [{ name: 'Acme', texts: { en: { title: 1 } } }, '"page.texts.en.title" must be a text'],
    [{ name: 'Acme', texts: { en: { problems: { nope: '' } } } }, '"page.texts.en.problems.nope"'],
    [{ name: 'Acme', texts: { en: { problems: 'none' } } }, '"page.texts.en.problems" must be an'],
  ])('%j is refused: %s', (options, message) => {
    const resolve = () => resolvePage(options as PageOptions)
    expect(resolve).toThrow(expect.objectContaining({ code: 'ERR_OTP_OPTIONS' }))
    expect(resolve).toThrow(message)
  })

  test('take single texts in place of those that are there', () => {
    const problems = { ...en.problems, invalid_code: 'Nope.' }
    const { texts } = resolvePage({ name: 'Acme', texts: { en: { title: 'Log in', problems } } })
    expect(texts.get('en')).toEqual({ ...en, title: 'Log in', problems })
    expect(texts.get('de')).toEqual(de)
  })

  test('take a whole language, with the plural forms that it has', () => {
    const pl = {
      ...en,
      triesLeft: { one: '1', few: '{count} few', many: '{count} many', other: '' },
    }
    const { texts, languages } = resolvePage({
      name: 'Acme',
      texts: { pl },
      languages: ['pl', 'en'],
    })
    expect(texts.get('pl')).toEqual(pl)
    expect(languages).toEqual(['pl', 'en'])
  })
})

describe('colours of the page', () => {
  test.each(['#000', '#fff', '#7a7a7a', '#ffd400', '#1d4ed8', '#e60000'])(
    'can be read, with an accent of %s',
    (accent) => {
      const { light } = resolvePage({ name: 'Acme', colors: { light: { accent } } }).colors
      expect(contrast(light.onAccent, light.accent)).toBeGreaterThanOrEqual(4.5)
    },
  )

  test.each([
    { text: '#000000', surface: '#ffffff', background: '#ffffff' },
    { text: '#595959', surface: '#ffffff', background: '#f3f4f6' },
    { text: '#fff', surface: '#0b3d91', background: '#062a66' },
    { text: '#ff0', surface: '#222', background: '#333' },
  ])('can be read where they are pale: %j', (given) => {
    const { light } = resolvePage({ name: 'Acme', colors: { light: given } }).colors
    for (const behind of [light.surface, light.background]) {
      expect(contrast(light.muted, behind)).toBeGreaterThanOrEqual(4.5)
      expect(contrast(light.line, behind)).toBeGreaterThanOrEqual(3)
    }
  })
})
