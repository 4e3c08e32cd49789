// What takes up space, as the server counts it (CleanUp/get).

import { app } from '../app.ts'
import type { Filter } from '../data/types.ts'

export interface CleanUpSender {
  id: string // an address
  count: number
  octets: number
  filter: Filter
  emailId: string
}

export interface CleanUpCard {
  id: string
  count: number
  octets: number
  filter: Filter
  senders?: CleanUpSender[]
}

export async function readCards(): Promise<CleanUpCard[]> {
  const told = await app.client.call<{ list: CleanUpCard[] }>('CleanUp/get', { ids: null })
  return told.list
}

/** Cards whose messages are gone for ever: they are in a bin already, or no list shows them. */
export function isBin(card: { id: string }): boolean {
  return card.id === 'trash' || card.id === 'junk' || card.id === 'markedDeleted'
}

/** The same messages as a list that people know; null where no search says it. */
export function reviewOf(id: string): { folder: string } | { text: string } | null {
  switch (id) {
    case 'trash':
    case 'junk':
      return { folder: id }
    case 'largerThan5MB':
      return { text: 'larger:5M' }
    case 'olderThan3Years':
      return { text: 'older:3y' }
    case 'sentWithAttachments':
      return { text: 'in:sent has:attachment' }
    default:
      return null
  }
}

export interface Unsubscribe {
  web: string | null
  mail: string | null
}

/** Ways out of a list, as its latest letter offers them (RFC 2369 §3.2). */
export async function unsubscribeOf(emailId: string): Promise<Unsubscribe> {
  const name = 'header:List-Unsubscribe:asURLs'
  const told = await app.client.call<{ list: Record<string, string[] | null>[] }>('Email/get', {
    ids: [emailId],
    properties: ['id', name],
  })
  const urls = told.list[0]?.[name] ?? []
  return {
    web: urls.find((one) => /^https:\/\//i.test(one)) ?? null,
    mail: urls.find((one) => /^mailto:/i.test(one)) ?? null,
  }
}
