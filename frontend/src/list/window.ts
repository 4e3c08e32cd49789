// Which rows of a list of any length are on screen. Browsers cannot scroll further than some tens
// of millions of pixels, so long lists have a scrollbar of their own scale: small movements are
// exact, large ones go by proportion.

export const MOST_PIXELS = 15_000_000
/** Rows before and behind what is seen, so that fast scrolling shows no gaps. */
export const SPARE = 6

export interface Shape {
  rows: number
  height: number
  viewport: number
}

export interface Scrolled {
  /** Where the scrollbar is. */
  bar: number
  /** Which pixel of the whole list is at the top. */
  top: number
}

/** Height of what scrolls. */
export function barHeight({ rows, height }: Shape): number {
  return Math.min(rows * height, MOST_PIXELS)
}

function most(shape: Shape): { bar: number; top: number } {
  return {
    bar: Math.max(0, barHeight(shape) - shape.viewport),
    top: Math.max(0, shape.rows * shape.height - shape.viewport),
  }
}

/** Where one is after the scrollbar moved. */
export function moved(shape: Shape, before: Scrolled, bar: number): Scrolled {
  const end = most(shape)
  if (end.bar === end.top) return { bar, top: bar }
  if (bar <= 0) return { bar, top: 0 }
  if (bar >= end.bar) return { bar, top: end.top }
  const step = bar - before.bar
  const isSmall = Math.abs(step) <= shape.viewport * 2
  const top = isSmall ? before.top + step : (bar / end.bar) * end.top
  return { bar, top: Math.min(Math.max(0, top), end.top) }
}

/** Where the scrollbar has to be for a pixel of the list to be at the top. */
export function at(shape: Shape, top: number): Scrolled {
  const end = most(shape)
  const within = Math.min(Math.max(0, top), end.top)
  return { bar: end.top ? (within / end.top) * end.bar : 0, top: within }
}

/** The rows to be drawn; the end is not included. */
export function rowsAt(
  { rows, height, viewport }: Shape,
  top: number,
  spare = SPARE,
): { first: number; end: number } {
  const first = Math.max(0, Math.floor(top / height) - spare)
  const end = Math.min(rows, Math.ceil((top + viewport) / height) + spare)
  return { first, end: Math.max(first, end) }
}

/** The rows that are seen. */
export function seenAt({ rows, height, viewport }: Shape, top: number): { first: number; end: number } {
  return {
    first: Math.min(rows, Math.floor(top / height)),
    end: Math.min(rows, Math.ceil((top + viewport) / height)),
  }
}

/** The least scrolling that brings a whole row into view. */
export function reveal(shape: Shape, top: number, row: number): number {
  const from = row * shape.height
  if (from < top) return from
  const to = from + shape.height - shape.viewport
  return to > top ? to : top
}
