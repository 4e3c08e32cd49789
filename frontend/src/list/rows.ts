// What a row says: whom, what, whether it was read, all of it in words for those who listen.

import { app } from '../app.ts'
import type { Address, Email, Thread } from '../data/types.ts'
import { nameOf, plain, shortDate } from '../ui/format.ts'

export interface RowFacts {
  people: string
  count: number
  subject: string
  preview: string
  date: string
  isUnread: boolean
  isStarred: boolean
  isAnswered: boolean
  isForwarded: boolean
  isDraft: boolean
  isMuted: boolean
  hasAttachment: boolean
  labels: { name: string; color: string }[]
  members: Email[]
  face: Address | undefined
}

const MOST_NAMES = 3

function membersOf(email: Email, thread: Thread | undefined, isConversation: boolean): Email[] {
  if (!isConversation || !thread || thread.emailIds.length < 2) return [email]
  const away = [app.mail.withRole('trash')?.id, app.mail.withRole('junk')?.id]
  const here = Object.keys(email.mailboxIds)
  const known = thread.emailIds.flatMap((id) => app.mail.email(id) ?? [])
  const shown = known.filter((one) => {
    const places = Object.keys(one.mailboxIds)
    return one.id === email.id || places.some((id) => here.includes(id) || !away.includes(id))
  })
  return shown.length ? shown : [email]
}

/** First names, where there is more than one person. */
function peopleOf(members: Email[], isOutgoing: boolean): string {
  const addresses = members.flatMap((one) => (isOutgoing ? one.to : one.from) ?? [])
  const unique = [...new Map(addresses.map((one) => [one.email.toLowerCase(), one])).values()]
  if (!unique.length) return isOutgoing ? app.t('mail.noRecipient') : app.t('mail.noSender')
  if (unique.length === 1) return nameOf(unique[0])
  const me = app.login.toLowerCase()
  const short = unique.map((one) =>
    one.email.toLowerCase() === me ? app.t('mail.me') : (nameOf(one).split(/[\s@]/)[0] ?? ''),
  )
  const head = short.slice(0, MOST_NAMES).join(', ')
  return short.length > MOST_NAMES ? `${head} …` : head
}

export function factsOf(email: Email): RowFacts {
  const isConversation = app.mail.view.query.collapseThreads
  const members = membersOf(email, app.mail.thread(email.threadId), isConversation)
  const outgoing = [app.mail.withRole('sent')?.id, app.mail.withRole('drafts')?.id]
  const filter = app.mail.view.query.filter as { inMailbox?: string } | null
  const isOutgoing = filter?.inMailbox !== undefined && outgoing.includes(filter.inMailbox)
  const has = (keyword: string) => members.some((one) => keyword in one.keywords)
  return {
    people: peopleOf(isOutgoing ? [email] : members, isOutgoing),
    count: members.length,
    subject: plain(email.subject ?? '').trim() || app.t('mail.noSubject'),
    preview: plain(email.preview),
    date: shortDate(email.receivedAt),
    isUnread: members.some((one) => !('$seen' in one.keywords) && !('$draft' in one.keywords)),
    isStarred: has('$flagged'),
    isAnswered: '$answered' in email.keywords,
    isForwarded: '$forwarded' in email.keywords,
    isDraft: has('$draft'),
    isMuted: has('$muted'),
    hasAttachment: members.some((one) => one.hasAttachment),
    labels: app.mail.labels.filter((one) => has(one.keyword)),
    members,
    face: (isOutgoing ? email.to : email.from)?.[0],
  }
}

/** 'Unread, Anna, Invoice 209, has attachment, 14:02, row 3 of 12,480' */
export function spoken(facts: RowFacts, row: number, total: number, note: string | null): string {
  const words = [
    facts.isUnread && app.t('mail.unread'),
    facts.people,
    facts.count > 1 && app.t('mail.messages', { n: facts.count }),
    facts.subject,
    facts.isStarred && app.t('mail.isStarred'),
    facts.isDraft && app.t('mail.isDraft'),
    facts.isAnswered && app.t('mail.isAnswered'),
    facts.isMuted && app.t('mail.isMuted'),
    facts.hasAttachment && app.t('mail.hasAttachment'),
    ...facts.labels.map((one) => one.name),
    facts.date,
    note,
    app.t('mail.rowOf', { n: row, total }),
  ]
  return words.filter(Boolean).join(', ')
}
