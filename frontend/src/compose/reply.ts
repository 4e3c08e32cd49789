// Who gets an answer, from whom, and under which subject.

import { addressKey, withoutDetail, withoutDoubles, type Recipient } from './addresses.ts'

export interface Identity {
  id: string
  name: string
  email: string
  replyTo?: Recipient[] | null
  bcc?: Recipient[] | null
  textSignature: string
  htmlSignature: string
  mayDelete?: boolean
}

/** What an answer needs of the letter that it answers. */
export interface Answered {
  from: Recipient[] | null
  replyTo: Recipient[] | null
  to: Recipient[] | null
  cc: Recipient[] | null
  bcc: Recipient[] | null
  subject: string | null
  messageId: string[] | null
  references: string[] | null
  inReplyTo: string[] | null
}

export type AnswerKind = 'reply' | 'replyAll' | 'forward'

const MOST_REFERENCES = 40 // so that a long thread does not outgrow its text

export function replyRecipients(
  email: Answered,
  kind: 'reply' | 'replyAll',
  isOwn: (address: string) => boolean,
): { to: Recipient[]; cc: Recipient[] } {
  const from = email.from ?? []
  const mine = from.length > 0 && from.every((one) => isOwn(one.email))
  // Answering what one wrote oneself goes on talking to the same people.
  const direct = mine ? (email.to ?? []) : firstOf(email.replyTo, from)
  const to = withoutDoubles(direct)
  if (kind === 'reply') return { to, cc: [] }
  const taken = new Set(to.map((one) => addressKey(one.email)))
  const others = mine ? (email.cc ?? []) : [...(email.to ?? []), ...(email.cc ?? [])]
  const cc = withoutDoubles(others).filter(
    (one) => !taken.has(addressKey(one.email)) && !isOwn(one.email),
  )
  return to.length > 0 ? { to, cc } : { to: cc, cc: [] }
}

function firstOf(preferred: Recipient[] | null, otherwise: Recipient[]): Recipient[] {
  return preferred && preferred.length > 0 ? preferred : otherwise
}

// What programs put before a subject, in the languages of most of our mail.
const REPLY_PREFIX = /^\s*(?:(?:re|aw|antw|sv|rv|ref|回复|答复)(?:\[\d+\])?\s*[:：]\s*)+/i
const FORWARD_PREFIX = /^\s*(?:(?:fwd?|wg|rv|tr|转发)\s*[:：]\s*)+/i

export function replySubject(subject: string | null): string {
  const rest = (subject ?? '').replace(REPLY_PREFIX, '').trim()
  return `Re: ${rest}`.trim()
}

export function forwardSubject(subject: string | null): string {
  const rest = (subject ?? '').replace(FORWARD_PREFIX, '').trim()
  return `Fwd: ${rest}`.trim()
}

/** The fields that keep a thread together (RFC 5322 §3.6.4). */
export function threading(email: Answered): { inReplyTo: string[]; references: string[] } {
  const own = email.messageId ?? []
  const before = email.references?.length
    ? email.references
    : email.inReplyTo?.length === 1
      ? email.inReplyTo
      : []
  const all = [...before.filter((id) => !own.includes(id)), ...own]
  const references =
    all.length > MOST_REFERENCES ? [all[0]!, ...all.slice(1 - MOST_REFERENCES)] : all
  return { inReplyTo: own, references }
}

/** The identity that the letter was written to, and the plus address if it was one. */
export function answeringIdentity(
  email: Answered,
  identities: readonly Identity[],
): { identity: Identity | null; from: string | null } {
  const places = [email.to, email.cc, email.bcc, email.from]
  const addresses = places.flatMap((list) => list ?? []).map((one) => one.email)
  for (const address of addresses) {
    const exact = identities.find((one) => addressKey(one.email) === addressKey(address))
    if (exact) return { identity: exact, from: exact.email }
  }
  for (const address of addresses) {
    const base = addressKey(withoutDetail(address))
    const known = identities.find((one) => addressKey(one.email) === base)
    if (known) return { identity: known, from: address }
  }
  const first = identities[0] ?? null
  return { identity: first, from: first?.email ?? null }
}

/** Whether an address is one of the person's own, plus addresses included. */
export function ownAddresses(identities: readonly Identity[]): (address: string) => boolean {
  const keys = new Set(identities.map((one) => addressKey(one.email)))
  return (address) => keys.has(addressKey(address)) || keys.has(addressKey(withoutDetail(address)))
}
