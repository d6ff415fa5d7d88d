import { type Check, invalid, resolveGroup, text } from '../options/values.js'

/** Colours of one scheme, as `#rgb` or `#rrggbb`. */
export interface Palette {
  /** Of the button and the ring around what has the focus. */
  accent?: string | undefined
  /** Behind everything. */
  background?: string | undefined
  /** Of the card that the form is on. */
  surface?: string | undefined
  text?: string | undefined
}

interface ResolvedPalette extends Required<Record<keyof Palette, string>> {
  /** On the accent: black or white, whichever can be read. */
  onAccent: string
  /** Text that is less important, as pale as can be read. */
  muted: string
  /** Around fields, as pale as can be seen. */
  line: string
}

export interface ResolvedColors {
  light: ResolvedPalette
  dark: ResolvedPalette
}

const defaults: Record<'light' | 'dark', Required<Record<keyof Palette, string>>> = {
  light: { accent: '#1d4ed8', background: '#f3f4f6', surface: '#ffffff', text: '#16181d' },
  dark: { accent: '#8ab4ff', background: '#101216', surface: '#1a1d23', text: '#eceef2' },
}

/** What an option `colors` may be: text that could not be read is refused. */
export const colors: Check<ResolvedColors> = (name, value) =>
  resolveGroup(name, value, {
    light: [palette(defaults.light), {}],
    dark: [palette(defaults.dark), {}],
  })

const color = text(/^#([0-9a-f]{3}|[0-9a-f]{6})$/i, 'a colour like #rgb or #rrggbb')

function palette(defaults: Record<keyof Palette, string>): Check<ResolvedPalette> {
  return (name, value) =>
    completed(
      name,
      resolveGroup(name, value, {
        accent: [color, defaults.accent],
        background: [color, defaults.background],
        surface: [color, defaults.surface],
        text: [color, defaults.text],
      }),
    )
}

function completed(name: string, palette: Record<keyof Palette, string>): ResolvedPalette {
  const { accent, background, surface } = palette
  for (const behind of [background, surface]) {
    // WCAG 2.2, 1.4.3
    if (contrast(palette.text, behind) < 4.5) {
      throw invalid(name, 'colours with a contrast of 4.5 to 1 between text and what is behind it')
    }
  }
  const onAccent = contrast('#fff', accent) >= contrast('#000', accent) ? '#fff' : '#000'
  return {
    ...palette,
    onAccent,
    muted: paler(palette, 0.35, 5),
    line: paler(palette, 0.6, 3.2),
  }
}

/** The text's colour, mixed with what is behind it up to a share, as long as the contrast holds. */
function paler(
  { text, background, surface }: Record<keyof Palette, string>,
  most: number,
  least: number,
): string {
  for (let share = most; share > 0; share -= 0.05) {
    const color = mix(text, surface, share)
    if (contrast(color, surface) >= least && contrast(color, background) >= least) return color
  }
  return text
}

/** As WCAG 2.2 has it: 1 for equal colours, 21 for black on white. */
export function contrast(one: string, other: string): number {
  const [dark = 0, light = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (light + 0.05) / (dark + 0.05)
}

function mix(one: string, other: string, share: number): string {
  const from = channels(one)
  const mixed = channels(other).map((to, at) => (from[at] ?? 0) * (1 - share) + to * share)
  return `#${mixed.map((value) => Math.round(value).toString(16).padStart(2, '0')).join('')}`
}

function luminance(color: string): number {
  const [red = 0, green = 0, blue = 0] = channels(color).map((value) => {
    const share = value / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}

/** Red, green and blue, 0 to 255. */
function channels(color: string): number[] {
  const digits = color.length === 4 ? color.replace(/[0-9a-f]/gi, '$&$&') : color
  return [1, 3, 5].map((at) => Number.parseInt(digits.slice(at, at + 2), 16))
}
