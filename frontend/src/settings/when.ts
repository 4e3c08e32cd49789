// Days and moments of settings, in the page's language.

import { currentLocale } from '../i18n/t.ts'

export function dayOf(text: string | null, never: string): string {
  if (!text) return never
  return new Intl.DateTimeFormat(currentLocale(), { dateStyle: 'medium' }).format(new Date(text))
}

export function momentOf(text: string | null, never: string): string {
  if (!text) return never
  const format = new Intl.DateTimeFormat(currentLocale(), {
    dateStyle: 'medium',
    timeStyle: 'short',
  })
  return format.format(new Date(text))
}

/** A day of <input type=date> as the start of that day here, in UTC. */
export function startOfDay(day: string): string | null {
  if (!/^\d{4}-\d\d-\d\d$/.test(day)) return null
  return `${new Date(`${day}T00:00`).toISOString().slice(0, 19)}Z`
}

/** The same day's last second. */
export function endOfDay(day: string): string | null {
  if (!/^\d{4}-\d\d-\d\d$/.test(day)) return null
  return `${new Date(`${day}T23:59:59`).toISOString().slice(0, 19)}Z`
}

/** A moment as a day of <input type=date>, here. */
export function dayInput(text: string | null): string {
  if (!text) return ''
  const at = new Date(text)
  const shifted = new Date(at.getTime() - at.getTimezoneOffset() * 60_000)
  return shifted.toISOString().slice(0, 10)
}

/** "Chrome on Linux" out of what a browser says of itself. Empty for what is not known: a stranger
 *  may write there whatever they like, and it would be read as our words. */
export function agentOf(text: string | null): string {
  if (!text) return ''
  const browsers: [RegExp, string][] = [
    [/Edg\//, 'Edge'],
    [/OPR\//, 'Opera'],
    [/Firefox\//, 'Firefox'],
    [/(?:Chrome|CriOS)\//, 'Chrome'],
    [/Safari\//, 'Safari'],
  ]
  const systems: [RegExp, string][] = [
    [/iPhone|iPad/, 'iOS'],
    [/Android/, 'Android'],
    [/Windows/, 'Windows'],
    [/Mac OS X|Macintosh/, 'macOS'],
    [/Linux|X11/, 'Linux'],
  ]
  const browser = browsers.find(([sign]) => sign.test(text))?.[1]
  const system = systems.find(([sign]) => sign.test(text))?.[1]
  return [browser, system].filter(Boolean).join(' · ')
}
