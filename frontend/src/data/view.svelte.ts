// One list of messages as it is on screen: reads what is looked at, takes changes in, hides rows
// that an action of ours removes before the server has done it.

import type { QueryView } from '../app.ts'
import type { QueryChangesAnswer } from '../jmap/methods.ts'
import type { Page, Place } from './reading.ts'
import { SparseList } from './sparse-list.ts'
import type { Id, Query } from './types.ts'

export const PAGE = 100
const MOST_KNOWN = 5000
const FIRST_PAUSE = 1000
const MOST_PAUSE = 30_000

export interface ViewSource {
  page(query: Query, place: Place): Promise<Page>
  sentenceOf(error: unknown): string
  sync(): Promise<void>
  /** Whether all changes too fast for two answers to fit together. */
  isMoving(): boolean
}

export class ListView implements QueryView {
  readonly query: Query
  total = $state<number | null>(null)
  version = $state(0)
  failure = $state<string | null>(null)
  waiting = $state(0)
  state: string | null = null
  /** Set by the list on screen. */
  scrollToTop: () => void = () => undefined
  firstVisible = 0
  lastVisible = 50
  /** Where somebody was in it when it was taken from the screen. */
  left: { top: number; focusId: Id | null } | null = null
  #list = new SparseList()
  #source: ViewSource
  #reading = new Map<number, Promise<void>>()
  #generation = 0
  /** Ids that an action took out: true while the server has not confirmed it. */
  #hidden = new Map<Id, boolean>()
  #failures = 0
  #retry: ReturnType<typeof setTimeout> | undefined
  #all = $state.raw<{ exclude: ReadonlySet<Id> } | null>(null)

  constructor(query: Query, source: ViewSource) {
    this.query = query
    this.#source = source
  }

  at(index: number): Id | undefined {
    void this.version
    return this.#list.at(index)
  }

  indexOf(id: Id): number {
    void this.version
    return this.#list.indexOf(id)
  }

  known(): Id[] {
    void this.version
    return this.#list.known()
  }

  async ensure(start: number, end: number): Promise<void> {
    if (this.total === null && this.#reading.has(0)) return this.#reading.get(0)
    if (this.total === null) return this.#read({ position: 0, limit: PAGE })
    if (this.#all) return
    const gaps: Promise<void>[] = []
    for (let at = Math.max(0, start); ; ) {
      const gap = this.#list.gap(at, end, PAGE)
      if (!gap) break
      gaps.push(
        this.#reading.get(gap.start) ??
          this.#read({ position: gap.start, limit: gap.stop - gap.start }),
      )
      at = gap.stop
    }
    await Promise.all(gaps)
  }

  #read(place: Place & { position: number }): Promise<void> {
    const key = place.position
    const generation = this.#generation
    const reading = async () => {
      try {
        let done = this.#confirmed()
        let page = await this.#source.page(this.query, place)
        for (let again = 0; this.#isAhead(page) && again < 2; again++) {
          // Places of different states do not fit together: first take in what has changed.
          await this.#source.sync()
          if (generation !== this.#generation) return
          if (this.#isAhead(page)) {
            done = this.#confirmed()
            page = await this.#source.page(this.query, place)
          }
        }
        if (generation !== this.#generation) return
        if (this.#isAhead(page)) this.#list.forget()
        // Asked for after we took them out: they are there, or there again.
        for (const id of page.answer.ids) if (done.has(id)) this.#hidden.delete(id)
        this.take(page)
      } catch (error) {
        if (generation === this.#generation) this.#failed(error)
      }
    }
    const done: Promise<void> = reading().finally(() => {
      if (this.#reading.get(key) === done) this.#reading.delete(key)
    })
    this.#reading.set(key, done)
    return done
  }

  /** What was taken out, and the server has done it. */
  #confirmed(): Set<Id> {
    return new Set([...this.#hidden].flatMap(([id, isPending]) => (isPending ? [] : [id])))
  }

  /** Rows of a list that is there otherwise are asked for again and again. */
  #failed(error: unknown): void {
    this.failure = this.#source.sentenceOf(error)
    if (this.total === null) return
    const pause = Math.min(FIRST_PAUSE * 2 ** this.#failures++, MOST_PAUSE)
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => this.again(), pause)
  }

  /** The rows that are missing, now. */
  again(): void {
    clearTimeout(this.#retry)
    if (this.failure === null || this.total === null) return
    this.failure = null
    this.version++
  }

  #isAhead(page: Page): boolean {
    return !this.#source.isMoving() && this.state !== null && page.answer.queryState !== this.state
  }

  /** An answer for a place, read by us or brought by the page itself. */
  take(page: Page): void {
    const { answer } = page
    this.#list.fill(answer.position, answer.ids, answer.total ?? this.#list.total)
    this.state = answer.queryState
    this.failure = null
    this.#failures = 0
    const gone = [...this.#hidden.keys()].filter((id) => this.#list.indexOf(id) >= 0)
    if (gone.length) this.#list.remove(gone)
    this.#list.evict((this.firstVisible + this.lastVisible) / 2, MOST_KNOWN)
    this.#changed()
  }

  /** What was kept on this device, until the server has answered. */
  restore(ids: Id[], total: number, state: string): void {
    this.#list.fill(0, ids, total)
    this.state = state
    this.#changed()
  }

  #changed(): void {
    this.total = this.#list.total
    this.version++
  }

  apply(changes: QueryChangesAnswer): void {
    if (this.#all) return
    if (!changes.removed.length && !changes.added.length && changes.total === this.#list.total) {
      this.state = changes.newQueryState
      return
    }
    const expected = new Set(this.#hidden.keys())
    const added = changes.added.filter(({ id }) => this.#hidden.get(id) !== true)
    for (const { id } of added) this.#hidden.delete(id)
    const total = changes.total ?? this.#list.total + added.length - changes.removed.length
    const isCertain = this.#list.apply({ removed: changes.removed, added, total }, expected)
    for (const id of changes.removed) if (this.#hidden.get(id) === false) this.#hidden.delete(id)
    this.state = changes.newQueryState
    this.#generation++
    this.#reading.clear()
    this.#changed()
    if (!isCertain) void this.ensure(this.firstVisible, this.lastVisible)
  }

  /** The server cannot say what changed: read the window on screen anew, where it is now. */
  async refetch(): Promise<void> {
    this.#generation++
    this.#reading.clear()
    this.#all = null
    for (const [id, isPending] of this.#hidden) if (!isPending) this.#hidden.delete(id)
    const generation = this.#generation
    const limit = Math.max(PAGE, this.lastVisible - this.firstVisible)
    const anchor = this.firstVisible > 0 ? this.#list.at(this.firstVisible) : undefined
    try {
      let page: Page
      try {
        page = await this.#source.page(
          this.query,
          anchor ? { anchor, limit } : { position: this.firstVisible, limit },
        )
      } catch (error) {
        if (!anchor || (error as { type?: string }).type !== 'anchorNotFound') throw error
        page = await this.#source.page(this.query, { position: this.firstVisible, limit })
      }
      if (generation !== this.#generation) return
      this.#list.forget()
      this.take(page)
    } catch (error) {
      if (generation === this.#generation) this.failure = this.#source.sentenceOf(error)
    }
  }

  retry(): void {
    this.failure = null
    void this.refetch()
  }

  async neighbour(id: Id, step: 1 | -1): Promise<Id | undefined> {
    const at = this.#list.indexOf(id) + step
    if (at < 0 || (at === 0 && step === 1) || at >= this.#list.total) return undefined
    await this.ensure(at, at + 1)
    return this.#list.at(at)
  }

  /** Takes rows out at once. The first function: it is done; the second: put them back. */
  hide(ids: Id[]): { settle: () => void; restore: () => void } {
    const places = ids
      .map((id) => ({ id, index: this.#list.indexOf(id) }))
      .filter((one) => one.index >= 0)
      .sort((a, b) => a.index - b.index)
    for (const id of ids) this.#hidden.set(id, true)
    this.#list.remove(places.map((one) => one.id))
    this.#changed()
    return {
      settle: () => {
        for (const id of ids) if (this.#hidden.has(id)) this.#hidden.set(id, false)
      },
      restore: () => {
        for (const id of ids) this.#hidden.delete(id)
        for (const { id, index } of places) {
          if (this.#list.indexOf(id) < 0) this.#list.insert(Math.min(index, this.#list.total), id)
        }
        this.#changed()
      },
    }
  }

  /** A bulk operation empties the list at once, but for what it spares. */
  hideAll(exclude: ReadonlySet<Id>): void {
    this.#generation++
    this.#all = { exclude }
    const left = this.#list.known().filter((id) => exclude.has(id))
    this.#list = new SparseList(left.length)
    this.#list.fill(0, left, left.length)
    this.#changed()
  }

  /** Nobody has looked at it. */
  get isUnread(): boolean {
    return this.total === null && this.failure === null && this.#reading.size === 0
  }

  get isEmptied(): boolean {
    return this.#all !== null
  }

  showWaiting(): void {
    this.waiting = 0
    this.scrollToTop()
  }
}
