import { describe, expect, it } from 'vitest'
import { SparseList } from './sparse-list.ts'

const ids = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, n) => `M${from + n}`)

function list(total: number, ...parts: [number, number][]): SparseList {
  const made = new SparseList(total)
  for (const [from, to] of parts) made.fill(from, ids(from, to), total)
  return made
}

describe('reading', () => {
  it('knows what was filled and nothing else', () => {
    const one = list(1000, [0, 50], [400, 500])
    expect([one.at(0), one.at(49), one.at(50), one.at(400), one.at(999)]).toEqual([
      'M0',
      'M49',
      undefined,
      'M400',
      undefined,
    ])
    expect(one.indexOf('M450')).toBe(450)
    expect(one.indexOf('M60')).toBe(-1)
  })

  it('names gaps by pages, without what is known', () => {
    const one = list(1000, [0, 50])
    expect(one.gap(0, 60, 100)).toEqual({ start: 50, stop: 100 })
    expect(one.gap(10, 40, 100)).toBeUndefined()
    expect(one.gap(990, 1020, 100)).toEqual({ start: 900, stop: 1000 })
  })

  it('joins neighbours and lets an answer replace what was there', () => {
    const one = list(200, [0, 100], [100, 200])
    expect(one.known()).toHaveLength(200)
    one.fill(50, ['X', 'M50', 'M51'], 201)
    expect([one.at(50), one.at(51), one.indexOf('M51')]).toEqual(['X', 'M50', 52])
  })
})

describe('changes', () => {
  it('takes out and puts in, as the server says', () => {
    const one = list(100, [0, 100])
    const sure = one.apply({ removed: ['M3', 'M7'], added: [{ id: 'N', index: 0 }], total: 99 })
    expect(sure).toBe(true)
    expect(one.known()).toEqual(['N', ...ids(0, 100).filter((id) => !['M3', 'M7'].includes(id))])
  })

  it('puts several in by their places in the new list', () => {
    const one = list(4, [0, 4])
    const added = [
      { id: 'B', index: 3 },
      { id: 'A', index: 0 },
    ]
    one.apply({ removed: [], added, total: 6 })
    expect(one.known()).toEqual(['A', 'M0', 'M1', 'B', 'M2', 'M3'])
  })

  it('is certain of the head only, when something left an unknown place', () => {
    const one = list(1000, [0, 50], [400, 500])
    expect(one.apply({ removed: ['M200'], added: [{ id: 'N', index: 0 }], total: 1000 })).toBe(false)
    expect([one.at(0), one.at(1), one.at(450)]).toEqual(['N', 'M0', undefined])
  })

  it('expects what it took out itself', () => {
    const one = list(1000, [0, 50], [400, 500])
    one.remove(['M10'])
    expect(one.at(399)).toBe('M400')
    expect(one.apply({ removed: ['M10'], added: [], total: 999 }, new Set(['M10']))).toBe(true)
    expect(one.at(399)).toBe('M400')
    expect(one.total).toBe(999)
  })

  it('moves what is removed and added at once', () => {
    const one = list(5, [0, 5])
    one.apply({ removed: ['M4'], added: [{ id: 'M4', index: 0 }], total: 5 })
    expect(one.known()).toEqual(['M4', 'M0', 'M1', 'M2', 'M3'])
  })

  it('shifts runs behind an insertion in a gap', () => {
    const one = list(1000, [0, 50], [400, 500])
    one.insert(200, 'N')
    expect([one.at(200), one.at(401), one.total]).toEqual(['N', 'M400', 1001])
  })

  it('ends as the whole list does, whatever comes', () => {
    let seed = 7
    const random = (below: number) => (seed = (seed * 48271) % 2147483647) % below
    for (let round = 0; round < 200; round++) {
      const old = ids(0, 20 + random(30))
      const one = new SparseList(old.length)
      one.fill(0, old, old.length)
      const gone = old.filter(() => random(5) === 0)
      const next = old.filter((id) => !gone.includes(id))
      const added: { id: string; index: number }[] = []
      for (let n = random(5); n > 0; n--) next.splice(random(next.length + 1), 0, `N${round}_${n}`)
      next.forEach((id, index) => id.startsWith('N') && added.push({ id, index }))
      expect(one.apply({ removed: gone, added, total: next.length })).toBe(true)
      expect(one.known()).toEqual(next)
    }
  })
})

describe('a million rows', () => {
  it('stays quick and forgets what is far', () => {
    const one = new SparseList(1_000_000)
    const began = performance.now()
    for (let at = 0; at < 100; at++) one.fill(at * 9000, ids(at * 9000, at * 9000 + 100), 1_000_000)
    expect(one.knownCount).toBe(10_000)
    one.evict(9000 * 50, 5000)
    expect(one.knownCount).toBeLessThanOrEqual(5000)
    expect(one.at(9000 * 50)).toBe('M450000')
    expect(performance.now() - began).toBeLessThan(500)
  })
})
