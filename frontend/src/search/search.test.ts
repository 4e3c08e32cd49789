import { describe, expect, it, vi } from 'vitest'

import { type App, setApp } from '../app.ts'
import { chipsOf, withChip, withTerm, withoutChip } from './chips.ts'
import { dayOf, octetsOf, question } from './filter.ts'
import { parse, written } from './grammar.ts'
import { pieces } from './snippet.ts'
import { snippetOf, wantSnippet } from './snippets.svelte.ts'
import { suggestions } from './suggest.ts'

const NOW = new Date(2026, 2, 31, 12, 30, 15)
const FOLDERS = [
  { id: 'F1', name: 'Inbox', role: 'inbox' },
  { id: 'F2', name: 'Papierkorb', role: 'trash' },
  { id: 'F3', name: 'Spam', role: 'junk' },
  { id: 'F4', name: 'Tax Papers', role: null },
]
const AROUND = { now: NOW, folders: FOLDERS }
const ASIDE = { inMailboxOtherThan: ['F2', 'F3'] }
const utc = (...parts: [number, number, number, number?, number?, number?]): string =>
  new Date(...parts).toISOString().replace(/\.\d+Z$/, 'Z')
const and = (...conditions: object[]): object => ({ operator: 'AND', conditions: [...conditions, ASIDE] })
const not = (one: object): object => ({ operator: 'NOT', conditions: [one] })

describe('what a search asks for', () => {
  const table: [string, object | null][] = [
    ['', null],
    ['   ', null],
    ['invoice', and({ text: 'invoice' })],
    ['invoice march', and({ text: 'invoice march' })],
    ['"two words" more', and({ text: '"two words" more' })],
    ['it\'s', and({ text: '"it\\\'s"' })],
    ['say "never', and({ text: 'say "never"' })],
    ['from:alice@example.org', and({ from: 'alice@example.org' })],
    ['FROM:alice', and({ from: 'alice' })],
    ['to:bob cc:alice bcc:x', and({ to: 'bob' }, { cc: 'alice' }, { bcc: 'x' })],
    ['subject:"tax return"', and({ subject: '"tax return"' })],
    ['body:hello', and({ body: 'hello' })],
    ['has:attachment', and({ hasAttachment: true })],
    ['is:unread', and({ notKeyword: '$seen' })],
    ['is:read', and({ hasKeyword: '$seen' })],
    ['is:starred', and({ hasKeyword: '$flagged' })],
    ['-is:starred', and(not({ hasKeyword: '$flagged' }))],
    ['-invoice', and(not({ text: 'invoice' }))],
    ['-"two words"', and(not({ text: '"two words"' }))],
    ['-from:bob', and(not({ from: 'bob' }))],
    ['a OR b', and({ operator: 'OR', conditions: [{ text: 'a' }, { text: 'b' }] })],
    ['a OR b c', and({ text: 'c' }, { operator: 'OR', conditions: [{ text: 'a' }, { text: 'b' }] })],
    ['from:a OR from:b OR from:c', and({ operator: 'OR', conditions: [{ from: 'a' }, { from: 'b' }, { from: 'c' }] })],
    ['a OR', and({ text: 'a' })],
    ['OR a', and({ text: 'a' })],
    ['"OR"', and({ text: '"OR"' })],
    ['or', and({ text: 'or' })],
    ['in:inbox', { inMailbox: 'F1' }],
    ['in:trash', { inMailbox: 'F2' }],
    ['in:spam', { inMailbox: 'F3' }],
    ['in:papierkorb x', { operator: 'AND', conditions: [{ text: 'x' }, { inMailbox: 'F2' }] }],
    ['in:"Tax Papers"', { inMailbox: 'F4' }],
    ['in:tax-papers', { inMailbox: 'F4' }],
    ['in:anywhere x', { text: 'x' }],
    ['in:anywhere', null],
    ['-in:inbox', and(not({ inMailbox: 'F1' }))],
    ['before:2025-11-22', and({ before: utc(2025, 10, 22) })],
    ['before:2025/1/2', and({ before: utc(2025, 0, 2) })],
    ['after:2025', and({ after: utc(2025, 0, 1) })],
    ['after:2025-11', and({ after: utc(2025, 10, 1) })],
    ['before:22.11.2025', and({ before: utc(2025, 10, 22) })],
    ['after:yesterday', and({ after: utc(2026, 2, 30) })],
    ['older:1y', and({ before: utc(2025, 2, 31, 12, 30, 15) })],
    ['older_than:1m', and({ before: utc(2026, 1, 28, 12, 30, 15) })],
    ['newer:2w', and({ after: utc(2026, 2, 17, 12, 30, 15) })],
    ['newer:3h', and({ after: utc(2026, 2, 31, 9, 30, 15) })],
    ['larger:5M', and({ minSize: 5 * 1024 ** 2 })],
    ['smaller:1.5k', and({ maxSize: 1536 })],
    ['from:', { ...ASIDE }],
    ['https://example.org/a', and({ text: 'https://example.org/a' })],
    ['note:buy', and({ text: 'note:buy' })],
    ['a - b', and({ text: 'a - b' })],
  ]
  it.each(table)('%s', (text, filter) => {
    expect(question(text, AROUND)).toEqual({ filter, misread: [] })
  })

  it.each(['before:soon', 'before:2025-02-31', 'older:old', 'larger:huge', 'is:nice', 'has:hope', 'in:nowhere'])(
    '%s is looked for as words, and is told',
    (text) => {
      const asked = question(text, AROUND)
      expect(asked.misread).toHaveLength(1)
      expect(asked.filter).toEqual(and({ text }))
    },
  )

  it('sizes and days', () => {
    expect(octetsOf('10')).toBe(10)
    expect(octetsOf('2GiB')).toBe(2 * 1024 ** 3)
    expect(octetsOf('999999999999G')).toBeUndefined()
    expect(dayOf('2024-02-29', NOW)).toEqual(new Date(2024, 1, 29))
    expect(dayOf('2025-13-01', NOW)).toBeUndefined()
  })
})

describe('chips', () => {
  it('are the operators; words stay in the field', () => {
    expect(chipsOf('tax from:"Alice B" -is:read').map((chip) => chip.text)).toEqual(['from:"Alice B"', '-is:read'])
  })
  it('can be taken out and changed', () => {
    const text = 'tax from:alice is:unread'
    const [from] = chipsOf(text)
    expect(from && withoutChip(text, from)).toBe('tax is:unread')
    expect(from && withChip(text, from, 'from:bob')).toBe('tax from:bob is:unread')
    const [first] = chipsOf('from:a OR from:b')
    expect(first && withoutChip('from:a OR from:b', first)).toBe('from:b')
  })
  it('are added once', () => {
    expect(withTerm('tax', 'has', 'attachment')).toBe('tax has:attachment')
    expect(withTerm('tax has:attachment', 'has', 'attachment')).toBe('tax has:attachment')
    expect(withTerm('', 'from', 'Alice B')).toBe('from:"Alice B"')
  })
  it('what is written is read back', () => {
    for (const [name, value] of [['', 'OR'], ['', '-x'], ['from', 'a b'], ['subject', 'x']] as const) {
      expect(parse(written(name, value))[0]?.[0]).toMatchObject({ name, value, negated: false })
    }
  })
})

describe('suggestions', () => {
  const sources = {
    people: [
      { name: 'Bob', email: 'bob@example.org' },
      { name: 'Alice', email: 'alice@example.org' },
      { name: 'Alice', email: 'ALICE@example.org' },
    ],
    folders: FOLDERS,
    saved: [{ name: 'Old newsletters', text: 'newsletter older:1y' }],
  }
  const texts = (text: string): string[] => suggestions(text, sources).map((one) => one.text)

  it.each([
    ['tax from:al', ['tax from:alice@example.org ']],
    ['-from:bo', ['-from:bob@example.org ']],
    ['in:tax', ['in:"Tax Papers" ']],
    ['is:unr', ['is:unread ']],
    ['is:unread', []],
    ['bef', ['before:']],
    ['news', ['newsletter older:1y']],
    ['', ['newsletter older:1y']],
    ['ali', ['from:alice@example.org ']],
    ['http:al', []],
  ])('%s', (text, wanted) => {
    expect(texts(text)).toEqual(wanted)
  })
})

describe('snippets', () => {
  it('are texts, never HTML', () => {
    expect(pieces('a &lt;b&gt; <mark>c &amp; d</mark>&amp;lt;')).toEqual([
      { text: 'a <b> ', marked: false },
      { text: 'c & d', marked: true },
      { text: '&lt;', marked: false },
    ])
    expect(pieces('<img src=x>')).toEqual([{ text: '<img src=x>', marked: false }])
  })

  it('are asked for of what was found, not of the rows that were there before', async () => {
    vi.useFakeTimers()
    const call = vi.fn(async (_name: string, { emailIds }: { emailIds: string[] }) => ({
      list: emailIds.map((emailId) => ({ emailId, subject: 'a <mark>b</mark>', preview: null })),
    }))
    let found = ['M1', 'M2']
    const view = { indexOf: (id: string) => found.indexOf(id) }
    setApp({ client: { call }, mail: { view, parseSearch: (text: string) => ({ text }) } } as unknown as App)
    for (const id of ['M1', 'M9', 'M2']) wantSnippet(id, 'b')
    await vi.advanceTimersByTimeAsync(1000)
    expect(call.mock.calls.map(([, { emailIds }]) => emailIds)).toEqual([['M1', 'M2']])
    found = ['M9']
    wantSnippet('M9', 'b')
    await vi.advanceTimersByTimeAsync(1000)
    expect([snippetOf('M9')?.subject, call.mock.calls.length]).toEqual(['a <mark>b</mark>', 2])
    vi.useRealTimers()
  })
})
