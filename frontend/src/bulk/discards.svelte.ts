// Since when messages are in the Trash or the Junk, from which follows when they go by themselves.
// Asked for together, only while such a folder is on screen.

import { SvelteMap } from 'svelte/reactivity'

import { app } from '../app.ts'
import type { Email, Id, UtcDate } from '../data/types.ts'
import { daysLeft } from './operations.ts'

const CAPABILITY = 'urn:pillarbox:jmap:bulk'
const WAIT = 60 // ms: rows come in groups
const MOST_AT_ONCE = 200
const MOST_KEPT = 5000

/** What is said of a letter that was sent but waits; set by the part that knows those. */
export const sending: { note: ((id: Id) => string | null) | null } = $state({ note: null })

const since = new SvelteMap<string, number>()
const wanted = new Set<Id>()
let timer: ReturnType<typeof setTimeout> | undefined

/** Days until a message of this folder goes; null where it stays, or it is not known yet. */
export function daysUntilGone(email: Email, folder: { id: Id; role: string | null }): number | null {
  const days = keptDays(folder.role)
  if (days === 0 || !(folder.id in email.mailboxIds)) return null
  const moved = since.get(`${folder.id} ${email.id}`)
  if (moved !== undefined) return daysLeft(moved, days, Date.now())
  wanted.add(email.id)
  timer ??= setTimeout(() => { void ask() }, WAIT)
  return null
}

/** For how long the server keeps what is in such a folder; 0 for always. */
export function keptDays(role: string | null): number {
  const told = app.mail.session.accounts[app.mail.accountId]?.accountCapabilities[CAPABILITY] as
    { discardDays?: Record<string, number> } | undefined
  return (role === null ? undefined : told?.discardDays?.[role]) ?? 0
}

async function ask(): Promise<void> {
  const ids = [...wanted].slice(0, MOST_AT_ONCE)
  for (const id of ids) wanted.delete(id)
  timer = wanted.size > 0 ? setTimeout(() => { void ask() }, WAIT) : undefined
  if (since.size > MOST_KEPT) since.clear()
  const properties = ['id', 'mailboxesSince']
  try {
    const answer = await app.client.call('Email/get', { ids, properties })
    for (const one of answer.list as unknown as { id: Id; mailboxesSince: Record<Id, UtcDate> }[]) {
      for (const [mailbox, when] of Object.entries(one.mailboxesSince)) since.set(`${mailbox} ${one.id}`, Date.parse(when))
    }
  } catch {
    // a note of a row; it is asked for again with the next rows
  }
}
