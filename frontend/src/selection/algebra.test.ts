import { describe, expect, it } from 'vitest'
import * as s from './algebra.ts'

const QUERY = { filter: { inMailbox: 'F1' }, sort: [], collapseThreads: true }

describe('some', () => {
  it('grows and shrinks', () => {
    const one = s.set(s.NONE, ['a', 'b', 'c'], true)
    expect(s.count(one)).toBe(3)
    const two = s.set(one, ['b'], false)
    expect([s.has(two, 'a'), s.has(two, 'b')]).toEqual([true, false])
    expect(s.has(one, 'b')).toBe(true)
  })

  it('becomes none with the last one', () => {
    expect(s.set(s.set(s.NONE, ['a'], true), ['a'], false)).toEqual(s.NONE)
  })

  it('loses only what has ceased to exist', () => {
    const one = s.set(s.NONE, ['a', 'b'], true)
    expect(s.destroyed(one, ['x'])).toBe(one)
    expect(s.count(s.destroyed(one, ['a', 'x']))).toBe(1)
    expect(s.arrived(one, ['n'])).toBe(one)
  })
})

describe('all', () => {
  const whole = s.all(QUERY, 52318, 'e4711')

  it('has what was never read', () => {
    expect([s.count(whole), s.has(whole, 'M99999')]).toEqual([52318, true])
  })

  it('spares what is unticked, and takes it back', () => {
    const spared = s.set(whole, ['a', 'b'], false)
    expect([s.count(spared), s.has(spared, 'a')]).toEqual([52316, false])
    expect(s.count(s.set(spared, ['a'], true))).toBe(52317)
  })

  it('has nothing of what comes later, and the count stays', () => {
    const later = s.arrived(s.set(whole, ['a'], false), ['n1', 'n2'])
    expect([s.count(later), s.has(later, 'n1'), s.has(later, 'x')]).toEqual([52317, false, true])
    expect(s.arrived(later, ['n1'])).toBe(later)
  })

  it('loses what has ceased to exist, ticked or not', () => {
    const spared = s.set(whole, ['a', 'b'], false)
    expect(s.count(s.destroyed(spared, ['x']))).toBe(52315)
    const less = s.destroyed(spared, ['a'])
    expect([s.count(less), s.has(less, 'b')]).toEqual([52316, false])
  })

  it('is none when everything is spared, and of an empty list', () => {
    expect(s.set(s.all(QUERY, 2, 'e'), ['a', 'b'], false)).toEqual(s.NONE)
    expect(s.all(QUERY, 0, 'e')).toEqual(s.NONE)
  })
})

describe('keeping', () => {
  it('is the same after a reload', () => {
    for (const one of [
      s.NONE,
      s.set(s.NONE, ['a', 'b'], true),
      s.set(s.all(QUERY, 10, 'e'), ['z'], false),
    ]) {
      expect(s.fromText(s.toText(one))).toEqual(one)
    }
  })

  it('is none where nothing can be read', () => {
    for (const text of [null, '', '{', '7', '{"mode":"rows"}']) {
      expect(s.fromText(text)).toEqual(s.NONE)
    }
  })
})
