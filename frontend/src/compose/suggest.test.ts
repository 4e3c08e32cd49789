import { describe, expect, it } from 'vitest'
import { likelyMoments, localInput } from './later.ts'
import { gather, suggest } from './suggest.ts'
import { holdParameters, utc, type Entry } from '../outbox/entry.ts'

const at = (name: string | null, email: string) => ({ name, email })
const now = new Date().toISOString()
const people = gather(
  [
    {
      to: [at('Zoë Meyer', 'zoe@example.org')],
      cc: [at(null, 'bob@example.org')],
      receivedAt: now,
    },
    { to: [at(null, 'zoe@example.org')], receivedAt: '2020-01-01T00:00:00Z' },
  ],
  [
    { from: [at('Alice', 'alice@example.org')], receivedAt: now },
    { from: [at('Shop', 'no-reply@example.org')], receivedAt: now },
    { from: [at('Zoltan', 'zoltan@example.org')], receivedAt: now },
  ],
)
const emails = (typed: string, taken: string[] = []) =>
  suggest(people, typed, new Set(taken)).map((one) => one.email)

describe('suggestions', () => {
  it('come from letters, but not from robots', () => {
    expect(people.map((one) => one.email).sort()).toEqual([
      'alice@example.org',
      'bob@example.org',
      'zoe@example.org',
      'zoltan@example.org',
    ])
  })

  it('those one writes to come first, without regard to accents', () => {
    expect(emails('zo')).toEqual(['zoe@example.org', 'zoltan@example.org'])
    expect(emails('zoe')).toEqual(['zoe@example.org'])
    expect(emails('mey')).toEqual(['zoe@example.org'])
    expect(emails('meyer zoe')).toEqual(['zoe@example.org'])
  })

  it('keep the name that a newer letter lacks', () => {
    expect(people.find((one) => one.email === 'zoe@example.org')?.name).toBe('Zoë Meyer')
  })

  it('leave out who is there already, and say nothing to nothing', () => {
    expect(emails('zo', ['zoe@example.org'])).toEqual(['zoltan@example.org'])
    expect(emails('  ')).toEqual([])
    expect(emails('nobody')).toEqual([])
  })
})

describe('later', () => {
  it.each([
    ['2026-11-23T10:00', ['laterToday 23 18', 'tomorrow 24 8', 'monday 30 8']], // a Monday
    ['2026-11-22T20:00', ['tomorrow 23 8']], // a Sunday evening: tomorrow is Monday
    ['2026-11-25T17:30', ['tomorrow 26 8', 'monday 30 8']],
  ])('from %s', (from, expected) => {
    const moments = likelyMoments(new Date(from))
    expect(moments.map((one) => `${one.name} ${one.at.getDate()} ${one.at.getHours()}`)).toEqual(
      expected,
    )
  })

  it('is written in the person’s own time', () => {
    expect(localInput(new Date(2026, 10, 23, 9, 5))).toBe('2026-11-23T09:05')
  })
})

describe('holding', () => {
  const entry = (parts: Partial<Entry>) => ({ holdSeconds: 10, sendAt: null, ...parts }) as Entry
  it('waits for undo, for a time, or not at all', () => {
    const soon = utc(Date.now() + 60_000)
    expect(holdParameters(entry({}), Date.now())).toEqual({ HOLDFOR: '10' })
    expect(holdParameters(entry({ holdSeconds: 0 }), Date.now())).toBeNull()
    expect(holdParameters(entry({ sendAt: soon }), Date.now())).toEqual({ HOLDUNTIL: soon })
    expect(holdParameters(entry({ sendAt: '2020-01-01T00:00:00Z' }), Date.now())).toEqual({
      HOLDFOR: '10',
    })
    expect(soon).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
  })
})
