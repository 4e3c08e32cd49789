// Conversations that are kept ready: the open one, its neighbours, and the one under the pointer.
// They stand in the page, unseen, so that going to one is no more than showing it. A frame that is
// moved within the page is loaded again: therefore their order never changes.

import { untrack } from 'svelte'

import { app } from '../app.ts'
import type { Id } from '../data/types.ts'

const HOVER = 65 // ms: who only passes by is gone by then
const NEIGHBOURS = 2 // before and after
const MOST = 2 * NEIGHBOURS + 2
const REST = 150 // ms after the open one was shown: it comes first

class Deck {
  /** In the order in which they came. */
  ids = $state.raw<readonly Id[]>([])
  current = $state<Id | null>(null)
  private wanted: readonly Id[] = []
  private timer: ReturnType<typeof setTimeout> | undefined
  private hover: ReturnType<typeof setTimeout> | undefined

  open(id: Id): void {
    clearTimeout(this.timer)
    this.current = id
    this.keep([id])
  }

  close(): void {
    clearTimeout(this.timer)
    clearTimeout(this.hover)
    this.current = null
    this.ids = []
    this.wanted = []
  }

  /** The open one can be read: now the neighbours. */
  shown(id: Id): void {
    if (id !== this.current) return
    clearTimeout(this.timer)
    this.timer = setTimeout(() => { void this.fetchAround(id) }, REST)
  }

  hovered(id: Id): void {
    clearTimeout(this.hover)
    if (this.current === null) return // nothing is mounted that could keep it
    this.hover = setTimeout(() => {
      if (app.mail.email(id)) this.keep([id])
    }, HOVER)
  }

  private async fetchAround(id: Id): Promise<void> {
    const found: Id[] = []
    for (const step of [1, -1] as const) {
      let at: Id | undefined = id
      for (let n = 0; n < NEIGHBOURS && at !== undefined; n += 1) {
        at = await app.mail.view.neighbour(at, step).catch(() => undefined)
        if (at !== undefined) found.push(at)
      }
    }
    if (this.current !== id) return
    await app.mail.load(found).catch(() => undefined)
    if (this.current === id) this.keep(found.filter((one) => app.mail.email(one)))
  }

  private keep(more: readonly Id[]): void {
    untrack(() => {
      this.wanted = [...new Set([...(this.current === null ? [] : [this.current]), ...more, ...this.wanted])].slice(0, MOST)
      const staying = this.ids.filter((id) => this.wanted.includes(id))
      this.ids = [...staying, ...this.wanted.filter((id) => !staying.includes(id))]
    })
  }
}

export const deck = new Deck()

/** A row of the list is pointed at, or has the focus. */
export function hovered(id: Id): void {
  deck.hovered(id)
}
