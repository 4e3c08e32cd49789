// What a selection is and how it changes (web.md §2.1). Ids, never places in a list.

import type { Id, Query, Selection } from '../data/types.ts'

export const NONE: Selection = { mode: 'none' }

export function has(selection: Selection, id: Id): boolean {
  if (selection.mode === 'some') return selection.ids.has(id)
  return selection.mode === 'all' && !selection.exclude.has(id)
}

export function count(selection: Selection): number {
  if (selection.mode === 'some') return selection.ids.size
  return selection.mode === 'all' ? selection.total - selection.exclude.size : 0
}

/** Ticks or unticks messages. What comes to nothing is no selection. */
export function set(selection: Selection, ids: Iterable<Id>, on: boolean): Selection {
  if (selection.mode === 'all') {
    const exclude = new Set(selection.exclude)
    for (const id of ids) {
      if (on) exclude.delete(id)
      else exclude.add(id)
    }
    return exclude.size >= selection.total ? NONE : { ...selection, exclude }
  }
  const chosen = new Set(selection.mode === 'some' ? selection.ids : [])
  for (const id of ids) {
    if (on) chosen.add(id)
    else chosen.delete(id)
  }
  return chosen.size ? { mode: 'some', ids: chosen } : NONE
}

/** Every message of a query at this moment, but none that comes later. */
export function all(query: Query, total: number, upToState: string): Selection {
  return total ? { mode: 'all', query, exclude: new Set(), total, upToState } : NONE
}

/** New messages are not part of what was selected before they came. */
export function arrived(selection: Selection, ids: Id[]): Selection {
  if (selection.mode !== 'all') return selection
  const late = ids.filter((id) => !selection.exclude.has(id))
  if (!late.length) return selection
  return {
    ...selection,
    exclude: new Set([...selection.exclude, ...late]),
    total: selection.total + late.length,
  }
}

/** Rows of the list that have ceased to exist. */
export function destroyed(selection: Selection, rows: Iterable<Id>): Selection {
  const gone = [...rows].filter((id) => has(selection, id) || spares(selection, id))
  if (!gone.length || selection.mode === 'none') return selection
  if (selection.mode === 'some') return set(selection, gone, false)
  const exclude = new Set(selection.exclude)
  for (const id of gone) exclude.delete(id)
  const total = selection.total - gone.length
  return exclude.size >= total ? NONE : { ...selection, exclude, total }
}

function spares(selection: Selection, id: Id): boolean {
  return selection.mode === 'all' && selection.exclude.has(id)
}

export function toText(selection: Selection): string {
  return JSON.stringify(selection, (_, value) => (value instanceof Set ? [...value] : value))
}

/** As it was kept; none where that cannot be read. */
export function fromText(text: string | null): Selection {
  try {
    const told = JSON.parse(text ?? 'null')
    if (told?.mode === 'some') return set(NONE, told.ids as Id[], true)
    if (told?.mode === 'all') return { ...told, exclude: new Set(told.exclude as Id[]) }
  } catch {
    // of an older version
  }
  return NONE
}
