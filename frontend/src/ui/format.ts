// Dates, sizes and names as the language writes them.

import { currentLocale } from '../i18n/t.ts'
import type { Address } from '../data/types.ts'

const made = new Map<string, Intl.DateTimeFormat>()

function dates(options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const locale = currentLocale()
  const key = locale + JSON.stringify(options)
  const known = made.get(key) ?? new Intl.DateTimeFormat(locale, options)
  made.set(key, known)
  return known
}

/** The time today, the day this year, else the date: what a row has room for. */
export function shortDate(text: string, now = new Date()): string {
  const at = new Date(text)
  if (at.toDateString() === now.toDateString()) {
    return dates({ timeStyle: 'short' }).format(at)
  }
  if (at.getFullYear() === now.getFullYear()) {
    return dates({ day: 'numeric', month: 'short' }).format(at)
  }
  return dates({ dateStyle: 'short' }).format(at)
}

/** The time, and the date unless it is today: where there is room for both. */
export function moment(text: string, now = new Date()): string {
  const at = new Date(text)
  if (at.toDateString() === now.toDateString()) return dates({ timeStyle: 'short' }).format(at)
  return dates({ dateStyle: 'medium', timeStyle: 'short' }).format(at)
}

export function longDate(text: string): string {
  return dates({ dateStyle: 'full', timeStyle: 'short' }).format(new Date(text))
}

export function timeOf(milliseconds: number): string {
  return dates({ timeStyle: 'short' }).format(new Date(milliseconds))
}

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const

/** Thousands, as disks are sold. */
export function size(octets: number): string {
  let unit = 0
  let value = octets
  while (value >= 999.5 && unit < UNITS.length - 1) {
    value /= 1000
    unit++
  }
  return new Intl.NumberFormat(currentLocale(), {
    style: 'unit',
    unit: UNITS[unit],
    unitDisplay: unit ? 'short' : 'long',
    maximumFractionDigits: value < 10 && unit > 1 ? 1 : 0,
  }).format(value)
}

export function number(value: number): string {
  return new Intl.NumberFormat(currentLocale()).format(value)
}

export function percent(share: number): string {
  return new Intl.NumberFormat(currentLocale(), {
    style: 'percent',
    maximumFractionDigits: 0,
  }).format(share)
}

/** What stands for a person in a list; marks that would turn the text around are taken out. */
export function nameOf(address: Address | undefined): string {
  return plain(address?.name?.trim() || address?.email || '')
}

/** Without controls and bidirectional marks. */
export function plain(text: string): string {
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g, ' ')
}

export function initials(name: string): string {
  const words = name.replace(/[^\p{L}\p{N}\s@.-]/gu, '').split(/[\s@._-]+/u).filter(Boolean)
  const first = [...(words[0] ?? '?')][0] ?? '?'
  const second = words.length > 1 && !name.includes('@') ? ([...(words.at(-1) ?? '')][0] ?? '') : ''
  return (first + second).toLocaleUpperCase()
}

/** One of so many, always the same for a name. */
export function tint(text: string, count: number): number {
  let sum = 0
  for (const sign of text.toLowerCase()) sum = (sum * 31 + (sign.codePointAt(0) ?? 0)) % 65521
  return sum % count
}
