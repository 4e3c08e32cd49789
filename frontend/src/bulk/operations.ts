// What an operation of the server (web.md §2.2) is to people: where it stands, what can be done
// about it, and in which words. Pure; the tray, the toasts and the banner of the Trash all ask here.

import type { BulkOperation, Id } from '../data/types.ts'

export type Phase = 'waiting' | 'running' | 'stopping' | 'done' | 'problems' | 'stopped' | 'failed'

const PHASES: Readonly<Record<BulkOperation['status'], Phase>> = {
  queued: 'waiting',
  running: 'running',
  cancelling: 'stopping',
  done: 'done',
  doneWithProblems: 'problems',
  cancelled: 'stopped',
  failed: 'failed',
}

export const HISTORY_DAYS = 30
export const TOAST_SECONDS = 30
const DAY = 86_400_000

export function phaseOf(one: BulkOperation): Phase {
  return PHASES[one.status]
}

/** Still at work, or waiting for its turn. */
export function active(one: BulkOperation): boolean {
  const phase = phaseOf(one)
  return phase === 'waiting' || phase === 'running' || phase === 'stopping'
}

/** Whole per cent; never 100 before it is done. */
export function percentOf(one: BulkOperation): number {
  if (!active(one) && phaseOf(one) !== 'stopped' && phaseOf(one) !== 'failed') return 100
  if (one.total <= 0) return 0
  return Math.min(99, Math.floor(((one.done + one.failed) / one.total) * 100))
}

/** Of all that are at work, for the ring; null when nothing is. */
export function ring(all: readonly BulkOperation[]): number | null {
  const working = all.filter(active)
  const total = working.reduce((sum, one) => sum + one.total, 0)
  if (working.length === 0) return null
  const done = working.reduce((sum, one) => sum + one.done + one.failed, 0)
  return total === 0 ? 0 : Math.min(99, Math.floor((done / total) * 100))
}

/** What took an operation back, if anything did or is about to. */
export function undoing(one: BulkOperation, all: readonly BulkOperation[]): BulkOperation | undefined {
  return all.find((other) => other.undoOf === one.id && other.status !== 'failed')
}

export function canUndo(one: BulkOperation, all: readonly BulkOperation[], now: number): boolean {
  if (active(one) || one.done === 0 || one.undoUntil === null || one.undoOf !== null) return false
  return Date.parse(one.undoUntil) > now && undoing(one, all) === undefined
}

export function canContinue(one: BulkOperation, all: readonly BulkOperation[]): boolean {
  return phaseOf(one) === 'stopped' && one.done + one.failed < one.total && undoing(one, all) === undefined
}

export function canCancel(one: BulkOperation): boolean {
  return one.cancellable && (phaseOf(one) === 'waiting' || phaseOf(one) === 'running')
}

/** The server tries those that failed again when it is told to go on. */
export function canRetry(one: BulkOperation, all: readonly BulkOperation[]): boolean {
  return phaseOf(one) === 'problems' && one.failed > 0 && undoing(one, all) === undefined
}

/** How many failed for which reason, the most frequent first. */
export function reasons(one: BulkOperation): [string, number][] {
  const counts = new Map<string, number>()
  for (const { type } of one.failures) counts.set(type, (counts.get(type) ?? 0) + 1)
  return [...counts].sort((a, b) => b[1] - a[1])
}

export function current(all: readonly BulkOperation[]): BulkOperation[] {
  return all.filter(active)
}

export function history(all: readonly BulkOperation[], now: number): BulkOperation[] {
  return all
    .filter((one) => !active(one) && now - Date.parse(one.finishedAt ?? one.createdAt) < HISTORY_DAYS * DAY)
    .sort((a, b) => Date.parse(b.createdAt) - Date.parse(a.createdAt))
}

// ── words ───────────────────────────────────────────────────────────────────

export interface Words {
  /** Ends a key of reader.json: `reader.bulk.{stem}.{doing|done|stopped|failed}`. */
  readonly stem: Stem
  readonly mailbox: Id | null
  readonly keyword: string | null
}

export type Stem =
  | 'move' | 'folder' | 'destroy' | 'read' | 'unread' | 'star' | 'unstar' | 'label' | 'unlabel' | 'add' | 'take' | 'restore' | 'strip' | 'undo'

const KEYWORD_STEMS: Readonly<Record<string, readonly [Stem, Stem]>> = {
  $seen: ['read', 'unread'],
  $flagged: ['star', 'unstar'],
}

export function wordsOf(one: Pick<BulkOperation, 'action' | 'undoOf'>): Words {
  const { action } = one
  if (one.undoOf !== null) return { stem: 'undo', mailbox: null, keyword: null }
  switch (action.type) {
    case 'move':
      return { stem: action.thenDestroyMailboxIds ? 'folder' : 'move', mailbox: action.toMailboxId, keyword: null }
    case 'addMailbox':
      return { stem: 'add', mailbox: action.mailboxId, keyword: null }
    case 'removeMailbox':
      return { stem: 'take', mailbox: action.mailboxId, keyword: null }
    case 'setKeywords':
    case 'unsetKeywords': {
      const keyword = Object.keys(action.keywords)[0] ?? ''
      const stems = KEYWORD_STEMS[keyword] ?? (['label', 'unlabel'] as const)
      return { stem: stems[action.type === 'setKeywords' ? 0 : 1], mailbox: null, keyword }
    }
    case 'destroy':
    case 'restore':
      return { stem: action.type, mailbox: null, keyword: null }
    case 'removeAttachments':
      return { stem: 'strip', mailbox: null, keyword: null }
    default:
      return { stem: 'undo', mailbox: null, keyword: null }
  }
}

export type Tense = 'doing' | 'done' | 'stopped' | 'failed'

export function tenseOf(one: BulkOperation): Tense {
  const phase = phaseOf(one)
  if (phase === 'done' || phase === 'problems') return 'done'
  if (phase === 'stopped' || phase === 'failed') return phase
  return 'doing'
}

/** The number that belongs to the tense: what is to be done, or what was. */
export function countOf(one: BulkOperation): number {
  const tense = tenseOf(one)
  return tense === 'doing' ? one.total : one.done
}

// ── speed ───────────────────────────────────────────────────────────────────

const SAMPLES = 8 // pushes come at most four times a second: the speed of the last two seconds

/** Messages in a second, from what pushes told. */
export class Speed {
  private samples: { at: number; done: number }[] = []

  see(done: number, at: number): void {
    const last = this.samples.at(-1)
    if (last && (done < last.done || at <= last.at)) this.samples = []
    this.samples = [...this.samples, { at, done }].slice(-SAMPLES)
  }

  get perSecond(): number | null {
    const first = this.samples[0]
    const last = this.samples.at(-1)
    if (!first || !last || last.at <= first.at) return null
    return Math.round(((last.done - first.done) * 1000) / (last.at - first.at))
  }
}

/** The server's own estimate, else ours. */
export function secondsLeft(one: BulkOperation, perSecond: number | null): number | null {
  if (!active(one)) return null
  if (one.etaSeconds !== null) return one.etaSeconds
  if (perSecond === null || perSecond <= 0) return null
  return Math.ceil((one.total - one.done - one.failed) / perSecond)
}

// ── messages that go by themselves ──────────────────────────────────────────

/** Days until the Trash lets go of something that was put there at that moment. */
export function daysLeft(movedAt: number, keptDays: number, now: number): number {
  return Math.max(0, Math.ceil((movedAt + keptDays * DAY - now) / DAY))
}
