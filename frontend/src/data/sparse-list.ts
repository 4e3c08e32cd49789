// A list of ids of which parts are known: runs of neighbours, none touching another. What the
// server tells of changes (RFC 8620 §5.6) is merged as far as the places are certain.

import type { Id } from './types.ts'

interface Run {
  start: number
  ids: Id[]
}

export interface ListChanges {
  removed: Id[]
  added: { id: Id; index: number }[]
  total: number
}

export class SparseList {
  #total: number
  #runs: Run[]

  constructor(total = 0, runs: Run[] = []) {
    this.#total = total
    this.#runs = runs
  }

  get total(): number {
    return this.#total
  }

  at(index: number): Id | undefined {
    const run = this.#runs.find((one) => index >= one.start && index < end(one))
    return run?.ids[index - run.start]
  }

  indexOf(id: Id): number {
    for (const run of this.#runs) {
      const at = run.ids.indexOf(id)
      if (at >= 0) return run.start + at
    }
    return -1
  }

  known(): Id[] {
    return this.#runs.flatMap((run) => run.ids)
  }

  get knownCount(): number {
    return this.#runs.reduce((sum, run) => sum + run.ids.length, 0)
  }

  /** A picture of now, for taking an optimistic change back. */
  copy(): SparseList {
    return new SparseList(
      this.#total,
      this.#runs.map((run) => ({ start: run.start, ids: [...run.ids] })),
    )
  }

  /** The first gap between two rows, cut to whole pages; undefined where all is known. */
  gap(start: number, stop: number, page: number): { start: number; stop: number } | undefined {
    const last = Math.min(stop, this.#total)
    for (let at = Math.max(0, start); at < last; at++) {
      const run = this.#runs.find((one) => at >= one.start && at < end(one))
      if (run) at = end(run) - 1
      else {
        const first = Math.floor(at / page) * page
        const from = Math.max(first, this.#endBefore(at))
        return { start: from, stop: Math.min(first + page, this.#total) }
      }
    }
    return undefined
  }

  #endBefore(at: number): number {
    return Math.max(0, ...this.#runs.filter((run) => run.start <= at).map(end))
  }

  /** What the server answered for a place. Ids that were elsewhere have moved. */
  fill(position: number, ids: Id[], total = this.#total): void {
    const told = new Set(ids)
    const stop = position + ids.length
    const kept: Run[] = []
    for (const run of this.#runs) {
      // Cut away what the answer covers; an id twice would be two rows of one message.
      for (const piece of [
        { start: run.start, ids: run.ids.slice(0, Math.max(0, position - run.start)) },
        {
          start: Math.max(run.start, stop),
          ids: run.ids.slice(Math.max(0, stop - run.start)),
        },
      ]) {
        if (piece.ids.length && !piece.ids.some((id) => told.has(id))) kept.push(piece)
      }
    }
    if (ids.length) kept.push({ start: position, ids: [...ids] })
    this.#total = total
    this.#runs = merged(kept)
  }

  /** Takes ids out. False when some were not known, so that places behind gaps are uncertain. */
  remove(ids: Iterable<Id>): boolean {
    const gone = new Set(ids)
    const before = this.knownCount
    let taken = 0
    for (const run of this.#runs) {
      const left = run.ids.filter((id) => !gone.has(id))
      const fewer = run.ids.length - left.length
      run.start -= taken
      run.ids = left
      taken += fewer
    }
    this.#total = Math.max(0, this.#total - gone.size)
    this.#runs = merged(this.#runs.filter((run) => run.ids.length))
    return before - this.knownCount === gone.size
  }

  insert(index: number, id: Id): void {
    const run = this.#runs.find((one) => index >= one.start && index <= end(one))
    for (const one of this.#runs) if (one !== run && one.start >= index) one.start++
    if (run) run.ids.splice(index - run.start, 0, id)
    else this.#runs.push({ start: index, ids: [id] })
    this.#total++
    this.#runs = merged(this.#runs)
  }

  /** `expected`: ids that the app has taken out already. False: only the head is certain now. */
  apply(changes: ListChanges, expected: ReadonlySet<Id> = new Set()): boolean {
    const removed = changes.removed.filter((id) => !expected.has(id) || this.indexOf(id) >= 0)
    // Removed and not in the list may also mean: added and gone, or moved from a gap.
    const known = removed.filter((id) => this.indexOf(id) >= 0)
    this.remove(known)
    const isCertain = known.length === removed.length || this.#isWhole()
    if (!isCertain) this.forgetBehindFirstGap()
    const added = [...changes.added].sort((a, b) => a.index - b.index)
    for (const { id, index } of added) {
      if (this.indexOf(id) >= 0) this.remove([id])
      if (isCertain || index <= this.#headEnd()) this.insert(index, id)
    }
    this.#total = changes.total
    this.#cut()
    return isCertain
  }

  #isWhole(): boolean {
    return this.#runs.length === 1 && this.#headEnd() >= this.#total
  }

  #headEnd(): number {
    const head = this.#runs[0]
    return head?.start === 0 ? end(head) : 0
  }

  #cut(): void {
    const runs = this.#runs.map((run) => ({
      start: run.start,
      ids: run.ids.slice(0, Math.max(0, this.#total - run.start)),
    }))
    this.#runs = merged(runs.filter((run) => run.ids.length))
  }

  forgetBehindFirstGap(): void {
    this.#runs = this.#runs.filter((run) => run.start === 0)
  }

  forget(): void {
    this.#runs = []
  }

  /** Keep what is near a place, so many rows at most. */
  evict(around: number, most: number): void {
    if (this.knownCount <= most) return
    const low = around - most / 2
    const high = around + most / 2
    this.#runs = this.#runs
      .map((run) => {
        const from = Math.max(0, Math.ceil(low - run.start))
        const to = Math.max(0, Math.floor(high - run.start))
        return { start: run.start + from, ids: run.ids.slice(from, to) }
      })
      .filter((run) => run.ids.length)
  }
}

function end(run: Run): number {
  return run.start + run.ids.length
}

function merged(runs: Run[]): Run[] {
  const sorted = [...runs].sort((a, b) => a.start - b.start)
  const out: Run[] = []
  for (const run of sorted) {
    const last = out.at(-1)
    if (last && end(last) === run.start) last.ids = [...last.ids, ...run.ids]
    else if (!last || run.start >= end(last)) out.push(run)
  }
  return out
}
