// Dates, sizes and names as the language writes them.

import type { Address } from '../data/types.ts'
import { currentLanguage } from '../i18n/t.ts'
import { honest } from './files.ts'

export function fullDate(when: string): string {
  return formatted(when, { dateStyle: 'full', timeStyle: 'short' })
}

export function shortDate(when: string, now = new Date()): string {
  const date = new Date(when)
  if (date.toDateString() === now.toDateString()) return formatted(when, { timeStyle: 'short' })
  return formatted(when, { dateStyle: 'medium', timeStyle: 'short' })
}

function formatted(when: string, style: Intl.DateTimeFormatOptions): string {
  const date = new Date(when)
  if (Number.isNaN(date.getTime())) return ''
  return new Intl.DateTimeFormat(currentLanguage(), style).format(date)
}

const UNITS = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'] as const

export function sizeOf(octets: number): string {
  let value = octets
  let place = 0
  while (value >= 1000 && place < UNITS.length - 1) {
    value /= 1024
    place += 1
  }
  const digits = place === 0 || value >= 10 ? 0 : 1
  return new Intl.NumberFormat(currentLanguage(), {
    style: 'unit', unit: UNITS[place] ?? 'byte', unitDisplay: place === 0 ? 'long' : 'short', maximumFractionDigits: digits,
  }).format(value)
}

export function number(value: number): string {
  return new Intl.NumberFormat(currentLanguage()).format(value)
}

export function nameOfPerson(one: Address): string {
  const name = honest(one.name ?? '').trim()
  return name === '' ? one.email : name
}

export function withAddress(one: Address): string {
  const name = nameOfPerson(one)
  return name === one.email ? name : `${name} <${one.email}>`
}

export function people(all: readonly Address[] | null): string {
  return new Intl.ListFormat(currentLanguage(), { type: 'unit', style: 'short' })
    .format((all ?? []).map(nameOfPerson))
}

export function initial(one: Address | undefined): string {
  const first = [...(one ? nameOfPerson(one) : '')].find((letter) => /[\p{L}\p{N}]/u.test(letter))
  return (first ?? '?').toLocaleUpperCase(currentLanguage())
}
