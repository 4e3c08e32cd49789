import { describe, expect, it } from 'vitest'
import { isLeft } from './targets.ts'
import type { Filter } from './types.ts'

const rest = { inMailboxOtherThan: ['trash', 'junk'] }
const found = { operator: 'AND' as const, conditions: [{ text: 'harbour' }, rest] }

describe('what leaves a list by going to a mailbox', () => {
  it.each<[Filter | null, string, boolean]>([
    [null, 'trash', false],
    [{ inMailbox: 'inbox' }, 'archive', true],
    [{ inMailbox: 'archive' }, 'archive', false],
    [{ hasKeyword: '$flagged' }, 'trash', false],
    [rest, 'trash', true],
    [rest, 'archive', false],
    [found, 'junk', true],
    [found, 'archive', false],
    [{ operator: 'OR', conditions: [{ inMailbox: 'a' }, { inMailbox: 'b' }] }, 'c', true],
    [{ operator: 'OR', conditions: [{ inMailbox: 'a' }, { inMailbox: 'b' }] }, 'b', false],
    [{ operator: 'NOT', conditions: [{ inMailbox: 'a' }] }, 'a', false],
  ])('%j to %s', (filter, mailbox, wanted) => {
    expect(isLeft(filter, mailbox)).toBe(wanted)
  })
})
