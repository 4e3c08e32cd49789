import { describe, expect, it } from 'vitest'
import { at, barHeight, MOST_PIXELS, moved, reveal, rowsAt, seenAt } from './window.ts'

const small = { rows: 1000, height: 56, viewport: 800 }
const large = { rows: 1_000_000, height: 56, viewport: 800 }

describe('a list that browsers can scroll', () => {
  it('has a scrollbar of its own length', () => {
    expect(barHeight(small)).toBe(56_000)
    expect(moved(small, { bar: 0, top: 0 }, 12_345)).toEqual({ bar: 12_345, top: 12_345 })
  })

  it('draws what is seen and a few more', () => {
    expect(seenAt(small, 560)).toEqual({ first: 10, end: 25 })
    expect(rowsAt(small, 560)).toEqual({ first: 4, end: 31 })
    expect(rowsAt(small, 55_200).end).toBe(1000)
    expect(rowsAt({ ...small, rows: 0 }, 0)).toEqual({ first: 0, end: 0 })
  })
})

describe('a million rows', () => {
  it('never asks for more pixels than there can be', () => {
    expect(barHeight(large)).toBe(MOST_PIXELS)
  })

  it('reaches the first and the last row', () => {
    const end = barHeight(large) - large.viewport
    const last = moved(large, { bar: 0, top: 0 }, end)
    expect(seenAt(large, last.top).end).toBe(1_000_000)
    expect(moved(large, last, 0).top).toBe(0)
  })

  it('moves by the pixel with the wheel', () => {
    const middle = at(large, 28_000_000)
    const next = moved(large, middle, middle.bar + 100)
    expect(next.top - middle.top).toBe(100)
  })

  it('goes by proportion when the scrollbar is dragged', () => {
    const { top } = moved(large, { bar: 0, top: 0 }, (barHeight(large) - 800) / 2)
    expect(Math.abs(top / 56 - 500_000)).toBeLessThan(10)
  })

  it('finds the place of the scrollbar back', () => {
    for (const row of [0, 1, 499_999, 999_000]) {
      const place = at(large, row * 56)
      expect(seenAt(large, place.top).first).toBe(row)
      expect(place.bar).toBeLessThanOrEqual(MOST_PIXELS - 800)
    }
  })

  it('keeps to at most 60 rows drawn', () => {
    for (let top = 0; top < 56_000_000; top += 1_234_567) {
      const { first, end } = rowsAt({ ...large, viewport: 2000 }, top)
      expect(end - first).toBeLessThanOrEqual(60)
    }
  })
})

describe('bringing a row into view', () => {
  it('moves no more than is needed', () => {
    expect(reveal(small, 560, 12)).toBe(560)
    expect(reveal(small, 560, 3)).toBe(168)
    expect(reveal(small, 0, 20)).toBe(376)
  })
})
