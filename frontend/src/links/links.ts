// Files behind links, as /account/links has them.

import { app } from '../app.ts'
import { currentLocale, loadTexts, type Texts } from '../i18n/t.ts'

export interface Link {
  id: string
  name: string
  size: number
  createdAt: string
  expiresAt: string
  downloads: number
}

/** Its address is told once, when it is made. */
export type MadeLink = Link & { url: string }

export interface Links {
  /** Null where the server takes none. */
  maxOctets: number | null
  /** Octets that one more may have. */
  room: number
  days: number
  mostDays: number
  list: Link[]
}

export const links = {
  all: () => app.api<Links>('GET', '/account/links'),
  withdraw: (id: string) => app.api('DELETE', `/account/links/${id}`),
}

export function dateOf(instant: string): string {
  return new Intl.DateTimeFormat(currentLocale(), { dateStyle: 'long' }).format(new Date(instant))
}

const files = import.meta.glob<{ default: Texts }>('../i18n/*/links.json')

/** Texts of links, which come with their parts and with no other. */
export const textsAreHere = loadTexts(
  'links',
  async (language) => (await files[`../i18n/${language}/links.json`]?.())?.default,
)
