// What takes up space, as the server counts it (CleanUp/get).

import { app } from '../app.ts'
import type { Filter } from '../data/types.ts'
import { leaveList } from '../reader/leaving.ts'
import { unsubscribeBy } from '../reader/unsubscribe.ts'

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

/** Cards of messages that take up their space by their files: the text alone can stay. */
export function hasFiles(card: { id: string }): boolean {
  return ['largerThan5MB', 'duplicateAttachments', 'sentWithAttachments'].includes(card.id)
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

/** Leaves a list as its latest letter offers it (RFC 2369 §3.2, RFC 8058); false where none does. */
export async function leaveListOf(sender: CleanUpSender): Promise<boolean> {
  const [urls, post] = ['header:List-Unsubscribe:asURLs', 'header:List-Unsubscribe-Post:asText'] as const
  const told = await app.client.call<{
    list: { blobId: string; [urls]: string[] | null; [post]: string | null }[]
  }>('Email/get', { ids: [sender.emailId], properties: ['id', 'blobId', urls, post] })
  const letter = told.list[0]
  const by = letter ? unsubscribeBy(letter[urls], letter[post]) : null
  if (!letter || !by) return false
  await leaveList(by, letter.blobId, sender.id)
  return true
}
