// The selection of the list on screen; each list has its own, whatever its order. Kept for this
// tab, so that a reload does not lose it.

import { app, type SelectionStore } from '../app.ts'
import type { MailStore } from '../data/mail.svelte.ts'
import { idsBetween, missing, queryKey, rowsSince } from '../data/reading.ts'
import type { Id, Query, Selection } from '../data/types.ts'
import * as algebra from './algebra.ts'

const KEPT_BEFORE = 'pillarbox-selection:'
const KEEP_AFTER = 200
const SAY_AFTER = 400
const WORTH_UNDOING = 20
const UNDO_SECONDS = 10
/** Rows of a range that are read as rows; of more, only their ids are asked for. */
const MOST_READ = 1000

export class Selected implements SelectionStore {
  now = $state.raw<Selection>(algebra.NONE)
  count = $derived(algebra.count(this.now))
  active = $derived(this.now.mode !== 'none')
  #mail: MailStore
  #key = ''
  /** Where a range begins. */
  #from: Id | null = null
  #keepTimer: ReturnType<typeof setTimeout> | undefined
  #sayTimer: ReturnType<typeof setTimeout> | undefined
  #cleared: { selection: Selection; key: string; at: number } | null = null

  constructor(mail: MailStore) {
    this.#mail = mail
    mail.listChanged = (news) => {
      if (news === null) void this.#lookForNews()
      else {
        const gone = this.now.mode === 'all' ? news.destroyedRows : news.destroyed
        this.#become(algebra.destroyed(this.now, gone))
        this.#become(algebra.arrived(this.now, news.arrived))
      }
    }
    addEventListener('pagehide', () => this.#keep())
  }

  /** The list on screen is another one. */
  follow(query: Query): void {
    const key = KEPT_BEFORE + this.#mail.accountId + queryKey({ ...query, sort: [] })
    if (key === this.#key) return
    this.#keep()
    this.#key = key
    this.#from = null
    this.now = algebra.fromText(sessionStorage.getItem(key))
    if (this.now.mode !== 'none') void this.#lookForNews()
  }

  /** What came or went while nobody was told of it: the page was away, or the list read anew. */
  async #lookForNews(): Promise<void> {
    const { now } = this
    const { client } = this.#mail
    try {
      if (now.mode === 'some') {
        const gone = await missing(client, [...now.ids])
        if (this.now === now) this.#become(algebra.destroyed(now, gone))
      } else if (now.mode === 'all') {
        const late = await rowsSince(client, now.query, now.upToState)
        if (this.now.mode === 'all') this.#become(algebra.arrived(this.now, late))
      }
    } catch {
      // it is asked again with the next change; what is done spares later messages all the same
    }
  }

  has(id: Id): boolean {
    return algebra.has(this.now, id)
  }

  toggle(id: Id): void {
    this.#set(algebra.set(this.now, [id], !this.has(id)))
    this.#from = id
  }

  async rangeTo(id: Id): Promise<void> {
    const { view } = this.#mail
    const from = this.#from === null ? -1 : view.indexOf(this.#from)
    const to = view.indexOf(id)
    if (from < 0 || to < 0) return this.toggle(id)
    const [low, high] = from < to ? [from, to] : [to, from]
    this.#set(algebra.set(this.now, await this.#between(low, high + 1), true))
  }

  async #between(low: number, end: number): Promise<Id[]> {
    const { client, view } = this.#mail
    if (end - low > MOST_READ) return idsBetween(client, view.query, low, end)
    await view.ensure(low, end)
    const ids: Id[] = []
    for (let at = low; at < end; at++) {
      const one = view.at(at)
      if (one !== undefined) ids.push(one)
    }
    return ids
  }

  setMany(ids: Iterable<Id>, on: boolean): void {
    this.#set(algebra.set(this.now, ids, on))
  }

  /** A range goes on from here (Shift+j, a drag). */
  anchor(id: Id): void {
    this.#from = id
  }

  all(): void {
    this.#set(algebra.set(algebra.NONE, this.#mail.view.known(), true))
  }

  allMatching(): void {
    const { view } = this.#mail
    if (view.total === null || view.state === null) return
    this.#set(algebra.all(view.query, view.total, view.state))
  }

  /** `quiet` after an action: nothing was lost then. */
  none(quiet = false): void {
    const before = this.now
    if (before.mode === 'none') return
    this.#set(algebra.NONE)
    this.#from = null
    if (quiet || algebra.count(before) <= WORTH_UNDOING) return
    this.#cleared = { selection: before, key: this.#key, at: Date.now() }
    app.toast(app.t('mail.selectionCleared'), {
      seconds: UNDO_SECONDS,
      key: 'selection',
      action: { label: app.t('mail.undo'), run: () => this.restore(before) },
    })
  }

  restore(selection: Selection): void {
    this.#cleared = null
    this.#set(selection)
  }

  takeBack(): boolean {
    const last = this.#cleared
    if (!last || last.key !== this.#key || Date.now() - last.at > UNDO_SECONDS * 1000) return false
    this.restore(last.selection)
    return true
  }

  #set(selection: Selection): void {
    if (!this.#become(selection)) return
    clearTimeout(this.#sayTimer)
    this.#sayTimer = setTimeout(() => this.#say(), SAY_AFTER)
  }

  /** Without a word: nobody did anything. */
  #become(selection: Selection): boolean {
    if (selection === this.now) return false
    this.now = selection
    clearTimeout(this.#keepTimer)
    this.#keepTimer = setTimeout(() => this.#keep(), KEEP_AFTER)
    return true
  }

  #say(): void {
    const n = algebra.count(this.now)
    const total = this.#mail.view.total ?? 0
    app.announce(n ? app.t('mail.selectedOf', { n, total }) : app.t('mail.nothingSelected'))
  }

  #keep(): void {
    if (!this.#key) return
    clearTimeout(this.#keepTimer)
    try {
      if (this.now.mode === 'none') sessionStorage.removeItem(this.#key)
      else sessionStorage.setItem(this.#key, algebra.toText(this.now))
    } catch {
      // more than this browser keeps: it lives as long as the page
    }
  }
}
