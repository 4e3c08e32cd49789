// What keys and other parts may ask of the list on screen; nothing happens where none is.

import type { Id } from '../data/types.ts'

export interface ListCommands {
  focused(): Id | null
  focusRow(id: Id): void
  focusIndex(index: number): Promise<void>
  /** The first row, once there is one. */
  focusList(): void
  moveFocus(step: number): Promise<void>
  openFocused(): void
  toggleFocused(on?: boolean): void
  extend(step: 1 | -1): Promise<void>
}

let list: ListCommands | null = null

/** The list on screen says so, and when it goes. */
export function setList(commands: ListCommands | null): void {
  list = commands
}

/** The message under the cursor. */
export function focused(): Id | null {
  return list?.focused() ?? null
}

export function focusRow(id: Id): void {
  list?.focusRow(id)
}

export function focusList(): void {
  list?.focusList()
}

export function focusFirst(): void {
  void list?.focusIndex(0)
}

export function moveFocus(step: number): void {
  void list?.moveFocus(step)
}

export function openFocused(): void {
  list?.openFocused()
}

/** With `on`: chosen or not, whatever it was. */
export function toggleFocused(on?: boolean): void {
  list?.toggleFocused(on)
}

/** Moves, and takes the row into the selection (Shift+j, Shift+Down). */
export function extend(step: 1 | -1): void {
  void list?.extend(step)
}
