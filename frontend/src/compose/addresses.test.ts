import { describe, expect, it } from 'vitest'
import {
  formatRecipient,
  isAddress,
  parseRecipient,
  parseRecipients,
  withoutDetail,
} from './addresses.ts'

describe('one recipient', () => {
  it.each([
    ['alice@example.org', null, 'alice@example.org'],
    ['  alice@Example.ORG ', null, 'alice@example.org'],
    ['Alice <alice@example.org>', 'Alice', 'alice@example.org'],
    ['"Doe, Alice" <alice@example.org>', 'Doe, Alice', 'alice@example.org'],
    ['"A \\"Q\\" B" <a@example.org>', 'A "Q" B', 'a@example.org'],
    ['<alice@example.org>', null, 'alice@example.org'],
    ['mailto:alice@example.org', null, 'alice@example.org'],
    ['alice@example.org (Alice Doe)', 'Alice Doe', 'alice@example.org'],
    ['Alice Doe alice@example.org', 'Alice Doe', 'alice@example.org'],
    ["'Alice' <alice@example.org>", 'Alice', 'alice@example.org'],
    ['用户 <用户@例子.example>', '用户', '用户@例子.example'],
    ['alice+shop@example.org', null, 'alice+shop@example.org'],
    ['"odd local"@example.org', null, '"odd local"@example.org'],
    ['root@localhost', null, 'root@localhost'],
  ])('%s', (text, name, email) => {
    expect(parseRecipient(text)).toEqual({ name, email })
  })

  it.each([
    'alice',
    'alice@',
    '@example.org',
    'a b@example.org x',
    'a..b@example.org',
    'a@b..c',
    'a@-b.org',
  ])('is none: %s', (text) => {
    expect(parseRecipient(text)).toBeNull()
  })

  it('bounds the length that a path may have', () => {
    expect(isAddress(`${'a'.repeat(64)}@example.org`)).toBe(true)
    expect(isAddress(`${'a'.repeat(65)}@example.org`)).toBe(false)
    expect(isAddress(`${'ä'.repeat(33)}@example.org`)).toBe(false)
  })
})

describe('a pasted list', () => {
  it('is divided by commas, semicolons and lines', () => {
    const text = '"Doe, A" <a@example.org>; b@example.org,\nC <c@example.org>\r\nd@example.org'
    const { found, wrong } = parseRecipients(text)
    expect(found.map((one) => one.email)).toEqual([
      'a@example.org',
      'b@example.org',
      'c@example.org',
      'd@example.org',
    ])
    expect(wrong).toEqual([])
  })

  it('hands back what is no address', () => {
    expect(parseRecipients('a@example.org, nobody, b@')).toEqual({
      found: [{ name: null, email: 'a@example.org' }],
      wrong: ['nobody', 'b@'],
    })
  })

  it('takes addresses with nothing but spaces between', () => {
    expect(parseRecipients('a@example.org b@example.org').found).toHaveLength(2)
  })

  it('keeps each address once, with its name', () => {
    expect(parseRecipients('a@example.org, A <A@example.org>').found).toEqual([
      { name: 'A', email: 'a@example.org' },
    ])
  })

  it('survives an open quote and an inch sign', () => {
    expect(parseRecipients('"open <a@example.org>, b@example.org').wrong).toHaveLength(1)
    expect(parseRecipients('Disk 5" <a@example.org>, b@example.org').found).toHaveLength(2)
  })
})

it('what is written can be read again', () => {
  for (const name of ['Alice', 'Doe, Alice', 'A "Q" \\ B', 'Zoë (work)', null]) {
    const one = { name, email: 'a@example.org' }
    expect(parseRecipient(formatRecipient(one))).toEqual(one)
  }
})

it('the detail of an address goes', () => {
  expect(withoutDetail('a+b@example.org')).toBe('a@example.org')
  expect(withoutDetail('+b@example.org')).toBe('+b@example.org')
})
