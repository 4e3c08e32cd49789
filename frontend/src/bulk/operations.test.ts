import { describe, expect, it } from 'vitest'

import type { BulkOperation } from '../data/types.ts'
import {
  Speed, active, canCancel, canContinue, canRetry, canUndo, countOf, current, daysLeft, history, percentOf, phaseOf,
  reasons, ring, secondsLeft, tenseOf, wordsOf,
} from './operations.ts'

const NOW = Date.parse('2026-11-23T12:00:00Z')
const LATER = '2026-12-20T12:00:00Z'

function operation(part: Partial<BulkOperation>): BulkOperation {
  return {
    id: 'B1', action: { type: 'move', toMailboxId: 'F2' }, status: 'running', total: 50_000, done: 18_000,
    failed: 0, failures: [], createdAt: '2026-11-23T11:59:00Z', startedAt: null, finishedAt: null,
    etaSeconds: null, cancellable: true, undoUntil: LATER, undoOf: null, ...part,
  }
}

describe('where an operation stands', () => {
  const table: [BulkOperation['status'], string, boolean, number][] = [
    ['queued', 'waiting', true, 36],
    ['running', 'running', true, 36],
    ['cancelling', 'stopping', true, 36],
    ['done', 'done', false, 100],
    ['doneWithProblems', 'problems', false, 100],
    ['cancelled', 'stopped', false, 36],
    ['failed', 'failed', false, 36],
  ]
  it.each(table)('%s', (status, phase, isActive, percent) => {
    const one = operation({ status })
    expect([phaseOf(one), active(one), percentOf(one)]).toEqual([phase, isActive, percent])
  })

  it('is never 100 % before it is done', () => {
    expect(percentOf(operation({ done: 50_000 }))).toBe(99)
    expect(percentOf(operation({ done: 0, total: 0 }))).toBe(0)
  })

  it('of several, one ring', () => {
    expect(ring([])).toBeNull()
    expect(ring([operation({ status: 'done' })])).toBeNull()
    expect(ring([operation({ done: 100, total: 200 }), operation({ done: 0, total: 200 })])).toBe(25)
  })
})

describe('what can be done about it', () => {
  it('undo, while the server keeps what was before', () => {
    const done = operation({ status: 'done', done: 50_000 })
    expect(canUndo(done, [done], NOW)).toBe(true)
    expect(canUndo(done, [done], Date.parse(LATER))).toBe(false)
    expect(canUndo(operation({ status: 'running' }), [], NOW)).toBe(false)
    expect(canUndo(operation({ status: 'cancelled' }), [], NOW)).toBe(true)
    expect(canUndo(operation({ status: 'cancelled', done: 0 }), [], NOW)).toBe(false)
    expect(canUndo(operation({ status: 'done', undoUntil: null }), [], NOW)).toBe(false)
  })

  it('not twice, and no undoing of an undoing', () => {
    const done = operation({ status: 'done' })
    const undo = operation({ id: 'B2', undoOf: 'B1', status: 'running' })
    expect(canUndo(done, [done, undo], NOW)).toBe(false)
    expect(canUndo({ ...undo, status: 'done' }, [done, undo], NOW)).toBe(false)
    expect(canUndo(done, [done, { ...undo, status: 'failed' }], NOW)).toBe(true)
  })

  it('continue what was stopped before its end', () => {
    expect(canContinue(operation({ status: 'cancelled' }), [])).toBe(true)
    expect(canContinue(operation({ status: 'cancelled', done: 49_990, failed: 10 }), [])).toBe(false)
    expect(canContinue(operation({ status: 'cancelled' }), [operation({ id: 'B2', undoOf: 'B1' })])).toBe(false)
    expect(canContinue(operation({ status: 'done' }), [])).toBe(false)
  })

  it('cancel only what is at work', () => {
    expect(canCancel(operation({ status: 'running' }))).toBe(true)
    expect(canCancel(operation({ status: 'cancelling' }))).toBe(false)
    expect(canCancel(operation({ cancellable: false }))).toBe(false)
  })

  it('retry those that failed, and say why they did', () => {
    const failures = ['overQuota', 'notFound', 'overQuota'].map((type, n) => ({ id: `M${String(n)}`, type, description: null }))
    const one = operation({ status: 'doneWithProblems', failed: 3, failures })
    expect(canRetry(one, [])).toBe(true)
    expect(canRetry({ ...one, status: 'running' }, [])).toBe(false)
    expect(canRetry({ ...one, failed: 0 }, [])).toBe(false)
    expect(canRetry(one, [operation({ id: 'B2', undoOf: 'B1' })])).toBe(false)
    expect(reasons(one)).toEqual([['overQuota', 2], ['notFound', 1]])
  })
})

describe('the tray', () => {
  it('parts what is at work from the last 30 days', () => {
    const running = operation({})
    const done = operation({ id: 'B2', status: 'done', finishedAt: '2026-11-01T00:00:00Z' })
    const old = operation({ id: 'B3', status: 'done', finishedAt: '2026-10-01T00:00:00Z' })
    expect(current([running, done, old])).toEqual([running])
    expect(history([running, done, old], NOW)).toEqual([done])
  })
})

describe('words', () => {
  it.each([
    [{ type: 'move', toMailboxId: 'F2' }, 'move'],
    [{ type: 'destroy' }, 'destroy'],
    [{ type: 'restore' }, 'restore'],
    [{ type: 'removeAttachments' }, 'strip'],
    [{ type: 'setKeywords', keywords: { $seen: true } }, 'read'],
    [{ type: 'unsetKeywords', keywords: { $seen: true } }, 'unread'],
    [{ type: 'unsetKeywords', keywords: { $flagged: true } }, 'unstar'],
    [{ type: 'setKeywords', keywords: { work: true } }, 'label'],
    [{ type: 'setKeywords', keywords: { $seen: true } }, 'read'],
    [{ type: 'undo' }, 'undo'],
    [{ type: 'addMailbox', mailboxId: 'F3' }, 'add'],
    [{ type: 'removeMailbox', mailboxId: 'F3' }, 'take'],
  ] as const)('%o', (action, stem) => {
    expect(wordsOf({ action: action as unknown as BulkOperation['action'], undoOf: null }).stem).toBe(stem)
  })

  it('say what is to be done, then what was done', () => {
    expect([tenseOf(operation({})), countOf(operation({}))]).toEqual(['doing', 50_000])
    const stopped = operation({ status: 'cancelled' })
    expect([tenseOf(stopped), countOf(stopped)]).toEqual(['stopped', 18_000])
    expect(tenseOf(operation({ status: 'doneWithProblems' }))).toBe('done')
  })
})

describe('speed', () => {
  it('is that of the last pushes', () => {
    const speed = new Speed()
    expect(speed.perSecond).toBeNull()
    speed.see(0, 1000)
    speed.see(500, 1250)
    speed.see(1000, 1500)
    expect(speed.perSecond).toBe(2000)
    expect(secondsLeft(operation({ done: 40_000 }), speed.perSecond)).toBe(5)
    expect(secondsLeft(operation({ etaSeconds: 9 }), speed.perSecond)).toBe(9)
    expect(secondsLeft(operation({ status: 'done' }), 2000)).toBeNull()
  })

  it('begins anew when an operation is continued', () => {
    const speed = new Speed()
    speed.see(500, 1000)
    speed.see(0, 2000)
    expect(speed.perSecond).toBeNull()
  })
})

it('days until the Trash lets go', () => {
  expect(daysLeft(NOW, 30, NOW)).toBe(30)
  expect(daysLeft(NOW - 18 * 86_400_000, 30, NOW)).toBe(12)
  expect(daysLeft(NOW - 40 * 86_400_000, 30, NOW)).toBe(0)
})
