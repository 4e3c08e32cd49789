// A letter on its way out: what is kept of it until nothing can be undone any more.

import type { Draft } from '../compose/draft.ts'

export type EntryState =
  | 'waiting' // for the network, or for its turn
  | 'sending'
  | 'unsure' // the answer was lost; the server is asked before another try
  | 'held' // the server has it and waits for the time
  | 'sent'
  | 'failed'

export interface Entry {
  key: string // the draft's: a letter is in the outbox once
  draft: Draft
  state: EntryState
  holdSeconds: number
  sendAt: string | null // UTC; null: as soon as the time for undo is over
  submissionId: string | null
  finalAt: number // ms; when undo ends, 0 while unknown
  problem: string | null // in words, of the failed
  madeAt: number // ms
}

/** How the server is told to wait (RFC 4865 §4); null where it need not. */
export function holdParameters(entry: Entry, now: number): Record<string, string> | null {
  if (entry.sendAt && Date.parse(entry.sendAt) > now) return { HOLDUNTIL: entry.sendAt }
  if (entry.holdSeconds > 0) return { HOLDFOR: String(Math.ceil(entry.holdSeconds)) }
  return null
}

/** A time as JMAP and RFC 4865 want it: UTC without fractions. */
export function utc(at: number | Date): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`
}
