// Who is written to: those whom one has written to, and those who wrote, the former first.

import { addressKey, type Recipient } from './addresses.ts'

export interface Known extends Recipient {
  sent: number // letters to them
  seen: number // letters from them
  at: number // ms of the latest
}

export interface KnownAddresses {
  readAt: number
  list: Known[]
}

/** A letter as far as addresses go. */
export interface Addressed {
  from?: Recipient[] | null
  to?: Recipient[] | null
  cc?: Recipient[] | null
  receivedAt: string
}

const MOST_KNOWN = 3000
const DAY = 86_400_000
const ROBOT = /^(?:no-?reply|do-?not-?reply|bounces?|mailer-daemon|postmaster)\b/i

/** What letters tell of addresses: of those sent, whom they went to. */
export function gather(sent: readonly Addressed[], received: readonly Addressed[]): Known[] {
  const byKey = new Map<string, Known>()
  for (const letter of sent) {
    for (const one of [...(letter.to ?? []), ...(letter.cc ?? [])]) add(byKey, one, letter, true)
  }
  for (const letter of received) {
    for (const one of letter.from ?? []) {
      if (!ROBOT.test(one.email)) add(byKey, one, letter, false)
    }
  }
  return [...byKey.values()]
    .sort((a, b) => weight(b, Date.now()) - weight(a, Date.now()))
    .slice(0, MOST_KNOWN)
}

function add(byKey: Map<string, Known>, one: Recipient, letter: Addressed, isSent: boolean): void {
  if (!one.email) return
  const at = Date.parse(letter.receivedAt) || 0
  const key = addressKey(one.email)
  const known = byKey.get(key) ?? { ...one, sent: 0, seen: 0, at: 0 }
  if (isSent) known.sent++
  else known.seen++
  if (one.name && (!known.name || at > known.at)) known.name = one.name
  known.at = Math.max(known.at, at)
  byKey.set(key, known)
}

/** Letters sent count most, and what is long past counts less. */
function weight(one: Known, now: number): number {
  const age = Math.max(0, now - one.at) / DAY
  return (one.sent * 5 + one.seen) / (1 + age / 60)
}

/** Those that fit what was typed, best first. */
export function suggest(
  list: readonly Known[],
  typed: string,
  taken: ReadonlySet<string>,
  most = 8,
): Known[] {
  const words = fold(typed).split(/\s+/).filter(Boolean)
  if (words.length === 0) return []
  const now = Date.now()
  const found: { one: Known; rank: number }[] = []
  for (const one of list) {
    if (taken.has(addressKey(one.email))) continue
    const rank = fit(one, words)
    if (rank > 0) found.push({ one, rank: rank * (1 + weight(one, now)) })
  }
  found.sort((a, b) => b.rank - a.rank)
  return found.slice(0, most).map(({ one }) => one)
}

/** 0 where any word is nowhere; beginnings of names and addresses are worth more than middles. */
function fit(one: Known, words: readonly string[]): number {
  const name = fold(one.name ?? '')
  const email = fold(one.email)
  let rank = 1
  for (const word of words) {
    if (email.startsWith(word) || name.startsWith(word)) rank *= 4
    else if (name.split(/[\s.,-]+/).some((part) => part.startsWith(word))) rank *= 3
    else if (email.split(/[@._+-]/).some((part) => part.startsWith(word))) rank *= 2
    else if (!name.includes(word) && !email.includes(word)) return 0
  }
  return rank
}

/** Without case and accents, so that `zoe` finds Zoë. */
function fold(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()
}
