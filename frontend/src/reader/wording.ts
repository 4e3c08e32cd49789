// People as the reader writes them.

import type { Address } from '../data/types.ts'
import { currentLanguage } from '../i18n/t.ts'
import { honest } from './files.ts'
import { shownAddress } from './links.ts'

export function nameOfPerson(one: Address): string {
  const name = honest(one.name ?? '').trim()
  return name === '' ? shownAddress(one.email) : name
}

export function withAddress(one: Address): string {
  const [name, address] = [nameOfPerson(one), shownAddress(one.email)]
  return name === address ? name : `${name} <${address}>`
}

export function people(all: readonly Address[] | null): string {
  return new Intl.ListFormat(currentLanguage(), { type: 'unit', style: 'short' })
    .format((all ?? []).map(nameOfPerson))
}
