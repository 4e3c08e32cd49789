// Which messages an action is done to: rows stand for their conversations in the same place.

import type { Target } from '../app.ts'
import type { MailStore } from './mail.svelte.ts'
import type { Email, Filter, Id, Selection } from './types.ts'

/** Rows named by a target; null for everything that a query finds. */
export function rowsOf(target: Target): Id[] | null {
  if (typeof target === 'string') return [target]
  if (isSelection(target)) {
    if (target.mode === 'all') return null
    return target.mode === 'some' ? [...target.ids] : []
  }
  return [...target]
}

export function isSelection(target: Target): target is Selection {
  return typeof target === 'object' && 'mode' in target
}

/** The messages behind rows: in a list of conversations, all of each that are in its mailbox. */
export async function messagesOf(mail: MailStore, rows: Id[]): Promise<Email[]> {
  await mail.load(rows)
  const emails = rows.flatMap((id) => mail.emails.peek(id) ?? [])
  if (!mail.view.query.collapseThreads) return emails
  const filter = mail.view.query.filter as { inMailbox?: Id } | null
  const members = emails.flatMap((email) => {
    const others = mail.threads.peek(email.threadId)?.emailIds ?? []
    const known = others.flatMap((id) => mail.emails.peek(id) ?? [])
    const here = known.filter((one) => {
      if (one.id === email.id) return true
      const places = filter?.inMailbox ? [filter.inMailbox] : Object.keys(email.mailboxIds)
      return places.some((place) => place in one.mailboxIds)
    })
    return here.length ? here : [email]
  })
  return [...new Map(members.map((one) => [one.id, one])).values()]
}

/** Their ids alone, of any number of rows: only a portion of the messages is held at a time. */
export async function messageIdsOf(mail: MailStore, rows: Id[]): Promise<Id[]> {
  if (!mail.view.query.collapseThreads) return rows
  const portion = mail.client.limit('maxObjectsInGet')
  const found = new Set<Id>()
  for (let at = 0; at < rows.length; at += portion) {
    for (const one of await messagesOf(mail, rows.slice(at, at + portion))) found.add(one.id)
  }
  return [...found]
}

/** How many messages an action would be done to; rows may be conversations. */
export async function countOf(mail: MailStore, target: Target): Promise<number> {
  const rows = rowsOf(target)
  if (rows) return (await messageIdsOf(mail, rows)).length
  if (!isSelection(target) || target.mode !== 'all') return 0
  const { filter } = target.query
  const asked = mail.client.call('Email/query', { filter, limit: 1, calculateTotal: true })
  const spared = await messageIdsOf(mail, [...target.exclude])
  const { total = 0 } = await asked.answer
  return Math.max(0, total - spared.length)
}

/** Whether what is in that mailbox alone is no more in a list, as far as its filter tells. */
export function isLeft(filter: Filter | null, mailboxId: Id): boolean {
  if (filter === null) return false
  if ('conditions' in filter) {
    const conditions = filter.conditions as Filter[]
    if (filter.operator === 'AND') return conditions.some((one) => isLeft(one, mailboxId))
    return filter.operator === 'OR' && conditions.every((one) => isLeft(one, mailboxId))
  }
  const { inMailbox, inMailboxOtherThan } = filter as { inMailbox?: Id; inMailboxOtherThan?: Id[] }
  if (inMailbox !== undefined && inMailbox !== mailboxId) return true
  return inMailboxOtherThan?.includes(mailboxId) ?? false
}
