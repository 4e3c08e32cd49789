// Records by id, each with a signal of its own: a row on screen depends on its message alone.
// Changes of ours that the server has not confirmed lie over what it said last.

import { untrack } from 'svelte'
import type { Id } from './types.ts'

class Cell<T> {
  value = $state.raw<T | undefined>(undefined)
}

export type Patch<T> = (record: T) => T

export class Records<T extends { id: Id }> {
  #cells = new Map<Id, Cell<T>>()
  #told = new Map<Id, T>()
  #patches = new Map<Id, Set<Patch<T>>>()

  /** Reactive, also for what is not known yet. */
  get(id: Id): T | undefined {
    return this.#cell(id).value
  }

  /** Without a dependency. */
  peek(id: Id): T | undefined {
    return untrack(() => this.#cells.get(id)?.value)
  }

  has(id: Id): boolean {
    return this.#told.has(id)
  }

  get size(): number {
    return this.#told.size
  }

  ids(): Id[] {
    return [...this.#told.keys()]
  }

  /** As the server said it. Records in use are at the end, so that the oldest can be let go. */
  put(record: T): void {
    this.#told.delete(record.id)
    this.#told.set(record.id, record)
    this.#show(record.id)
  }

  /** Some properties of a record that is known. */
  merge(part: Partial<T> & { id: Id }): void {
    const told = this.#told.get(part.id)
    if (told) this.put({ ...told, ...part })
  }

  delete(id: Id): void {
    this.#told.delete(id)
    this.#show(id)
  }

  /** A change of ours, seen at once; the function takes it away again. */
  overlay(id: Id, patch: Patch<T>): () => void {
    const patches = this.#patches.get(id) ?? new Set()
    this.#patches.set(id, patches.add(patch))
    this.#show(id)
    return () => {
      patches.delete(patch)
      if (!patches.size) this.#patches.delete(id)
      this.#show(id)
    }
  }

  /** The server has done it: what was laid over is what it would say now. */
  settle(id: Id, patch: Patch<T>): void {
    const told = this.#told.get(id)
    if (told) this.#told.set(id, patch(told))
  }

  /** Let go of the records that were not used for longest. */
  prune(most: number, keep: (id: Id) => boolean): void {
    for (const id of this.#told.keys()) {
      if (this.#told.size <= most) return
      if (keep(id) || this.#patches.has(id)) continue
      this.#told.delete(id)
      this.#cells.delete(id)
    }
  }

  #show(id: Id): void {
    let value = this.#told.get(id)
    for (const patch of this.#patches.get(id) ?? []) if (value) value = patch(value)
    this.#cell(id).value = value
  }

  #cell(id: Id): Cell<T> {
    const known = this.#cells.get(id)
    if (known) return known
    // Outside of the reaction that asks: it would not depend on a signal of its own making.
    const made = untrack(() => new Cell<T>())
    this.#cells.set(id, made)
    return made
  }
}
