// Conversations that are kept ready: the open one, its neighbours, those that were read last, and the
// one under the pointer. They stand in the page, unseen, so that going to one is no more than showing
// it. A frame that is moved within the page is loaded again: therefore their order never changes.

import { untrack } from 'svelte'

import { app } from '../app.ts'
import type { Id } from '../data/types.ts'

const HOVER = 65 // ms: who only passes by is gone by then
const NEIGHBOURS = 2 // before and after
const READ = 12 // how many of those that were read stay; a frame takes a megabyte or two
const REST = 150 // ms after the open one was shown: it comes first
const PATIENCE = 1500 // ms for one that is fetched ahead; then the next one has its turn
const IDLE = 300 // ms: after that the page is not waited for

class Deck {
  /** In the order in which they came. */
  ids = $state.raw<readonly Id[]>([])
  current = $state<Id | null>(null)
  private read: readonly Id[] = []
  private ahead: readonly Id[] = []
  private pointed: Id | null = null
  /** Still to be fetched, one after the other: the server and the page have other things to do. */
  private coming: Id[] = []
  private awaited: Id | null = null
  /** Of those in the page: whose text is there. */
  private readonly readable = new Set<Id>()
  private tidies = false
  private step: 1 | -1 = 1
  private timer: ReturnType<typeof setTimeout> | undefined
  private hover: ReturnType<typeof setTimeout> | undefined

  open(id: Id): void {
    this.pause()
    const { view } = app.mail
    const [from, to] = [this.current, id].map((one) => (one === null ? -1 : untrack(() => view.indexOf(one))))
    if (from !== undefined && to !== undefined && from >= 0 && to >= 0) this.step = to < from ? -1 : 1
    this.current = id
    this.read = [id, ...this.read.filter((one) => one !== id)].slice(0, READ + 1)
    this.keep()
    if (this.readable.has(id)) this.fetchSoon(id)
  }

  close(): void {
    this.pause()
    clearTimeout(this.hover)
    this.current = null
    this.read = []
    this.ahead = []
    this.pointed = null
    this.ids = []
    this.readable.clear()
  }

  /** One of them can be read. After the open one come its neighbours. */
  shown(id: Id): void {
    this.readable.add(id)
    if (id === this.current) this.fetchSoon(id)
    else if (id === this.awaited) this.fetchNext()
  }

  hovered(id: Id): void {
    clearTimeout(this.hover)
    if (this.current === null) return // nothing is mounted that could keep it
    this.hover = setTimeout(() => {
      if (!app.mail.email(id)) return
      this.pointed = id
      this.keep()
    }, HOVER)
  }

  private fetchSoon(id: Id): void {
    this.pause()
    this.timer = setTimeout(() => { void this.fetchAround(id) }, REST)
  }

  private pause(): void {
    clearTimeout(this.timer)
    this.coming = []
    this.awaited = null
  }

  private async fetchAround(id: Id): Promise<void> {
    const ways = await Promise.all([this.along(id, this.step), this.along(id, this.step === 1 ? -1 : 1)])
    const found = Array.from({ length: NEIGHBOURS }, (_, n) => ways.flatMap((way) => way[n] ?? [])).flat()
    if (this.current !== id) return
    await app.mail.load(found).catch(() => undefined)
    if (this.current !== id) return
    this.ahead = found.filter((one) => this.ids.includes(one))
    this.coming = found.filter((one) => !this.ids.includes(one) && app.mail.email(one))
    this.keep()
    this.fetchNext()
  }

  private async along(id: Id, step: 1 | -1): Promise<Id[]> {
    const found: Id[] = []
    let at: Id | undefined = id
    for (let n = 0; n < NEIGHBOURS && at !== undefined; n += 1) {
      at = await app.mail.view.neighbour(at, step).catch(() => undefined)
      if (at !== undefined) found.push(at)
    }
    return found
  }

  private fetchNext(): void {
    clearTimeout(this.timer)
    const next = this.coming.shift() ?? null
    this.awaited = next
    if (next === null) return
    const begin = (): void => {
      if (this.awaited !== next) return
      this.ahead = [...this.ahead, next]
      this.keep()
      this.timer = setTimeout(() => { this.fetchNext() }, PATIENCE)
    }
    requestIdleCallback(begin, { timeout: IDLE })
  }

  /** What comes is there at once; what goes waits until the page has nothing else to do. */
  private keep(): void {
    const coming = [...this.wanted()].filter((id) => !untrack(() => this.ids).includes(id))
    if (coming.length > 0) untrack(() => { this.ids = [...this.ids, ...coming] })
    if (this.tidies) return
    this.tidies = true
    requestIdleCallback(() => { this.tidy() }, { timeout: PATIENCE })
  }

  private wanted(): Set<Id> {
    return new Set([...this.read, ...this.ahead, ...(this.pointed === null ? [] : [this.pointed])])
  }

  private tidy(): void {
    this.tidies = false
    const wanted = this.wanted()
    for (const id of this.readable) if (!wanted.has(id)) this.readable.delete(id)
    if (this.ids.some((id) => !wanted.has(id))) this.ids = this.ids.filter((id) => wanted.has(id))
  }
}

export const deck = new Deck()

/** A row of the list is pointed at, or has the focus. */
export function hovered(id: Id): void {
  deck.hovered(id)
}
