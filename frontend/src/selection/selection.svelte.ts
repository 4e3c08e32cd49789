// The selection of the list on screen; each list has its own, whatever its order. Kept for this
// tab, so that a reload does not lose it.

import { app, type SelectionStore } from '../app.ts'
import type { MailStore } from '../data/mail.svelte.ts'
import { queryKey } from '../data/reading.ts'
import type { Id, Query, Selection } from '../data/types.ts'
import * as algebra from './algebra.ts'

const KEPT_BEFORE = 'pillarbox-selection:'
const KEEP_AFTER = 200
const SAY_AFTER = 400
const WORTH_UNDOING = 20
const UNDO_SECONDS = 10

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

  constructor(mail: MailStore) {
    this.#mail = mail
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
    await view.ensure(low, high + 1)
    const ids: Id[] = []
    for (let at = low; at <= high; at++) {
      const one = view.at(at)
      if (one !== undefined) ids.push(one)
    }
    this.#set(algebra.set(this.now, ids, true))
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
    app.toast(app.t('mail.selectionCleared'), {
      seconds: UNDO_SECONDS,
      key: 'selection',
      action: { label: app.t('mail.undo'), run: () => this.restore(before) },
    })
  }

  restore(selection: Selection): void {
    this.#set(selection)
  }

  /** Told by the list when it changes. */
  arrived(ids: Id[]): void {
    this.now = algebra.arrived(this.now, ids)
  }

  destroyed(ids: Id[]): void {
    this.#set(algebra.destroyed(this.now, ids))
  }

  #set(selection: Selection): void {
    if (selection === this.now) return
    this.now = selection
    clearTimeout(this.#keepTimer)
    this.#keepTimer = setTimeout(() => this.#keep(), KEEP_AFTER)
    clearTimeout(this.#sayTimer)
    this.#sayTimer = setTimeout(() => this.#say(), SAY_AFTER)
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
