// Short notices at the bottom left: three at most, longer where there is something to do.

import type { Toast, ToastOptions } from '../app.ts'

const MOST = 3
const SECONDS = 5
const LEAST_WITH_ACTION = 10

export interface Shown {
  id: number
  text: string
  options: ToastOptions
}

export class Toasts {
  shown = $state.raw<Shown[]>([])
  #ids = 0
  #timers = new Map<number, ReturnType<typeof setTimeout>>()
  #isHeld = false

  add(text: string, options: ToastOptions = {}): Toast {
    const same = options.key ? this.shown.find((one) => one.options.key === options.key) : undefined
    const id = same?.id ?? ++this.#ids
    this.#put({ id, text, options })
    return {
      update: (next, more) => {
        const now = this.shown.find((one) => one.id === id)
        this.#put({ id, text: next, options: { ...(now?.options ?? options), ...more } })
      },
      close: () => this.close(id),
    }
  }

  #put(one: Shown): void {
    const isKnown = this.shown.some((other) => other.id === one.id)
    const next = isKnown
      ? this.shown.map((other) => (other.id === one.id ? one : other))
      : [...this.shown, one]
    for (const old of next.slice(0, -MOST)) this.close(old.id)
    this.shown = next.slice(-MOST)
    this.#wait(one)
  }

  #wait({ id, options }: Shown): void {
    clearTimeout(this.#timers.get(id))
    if (this.#isHeld) return
    const least = options.action ? LEAST_WITH_ACTION : 0
    const seconds = Math.max(options.seconds ?? SECONDS, least)
    if (!Number.isFinite(seconds)) return
    this.#timers.set(
      id,
      setTimeout(() => this.close(id), seconds * 1000),
    )
  }

  /** While the pointer or the focus is on one, none goes away. */
  hold(isHeld: boolean): void {
    this.#isHeld = isHeld
    for (const timer of this.#timers.values()) clearTimeout(timer)
    if (!isHeld) for (const one of this.shown) this.#wait(one)
  }

  close(id: number): void {
    clearTimeout(this.#timers.get(id))
    this.#timers.delete(id)
    this.shown = this.shown.filter((one) => one.id !== id)
  }
}
