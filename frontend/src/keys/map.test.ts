import { describe, expect, it } from 'vitest'

import { KeyReader, SECOND_KEY_WITHIN, SHORTCUTS } from './map.ts'
import type { Intention, Press } from './map.ts'

const press = (key: string, rest: Partial<Press> = {}): Press => ({
  key, ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, ...rest,
})
const HERE = { letters: true, typing: false }

describe('keys', () => {
  it.each(SHORTCUTS.filter((one) => !one.keys.includes('+')).map((one) => [one.keys, one.intention] as const))(
    '%s',
    (keys, intention) => {
      const reader = new KeyReader(() => 0)
      const read = keys.split(' ').map((key) => reader.read(press(key), HERE))
      expect(read.at(-1)).toBe(intention)
    },
  )

  it('no key has two meanings', () => {
    expect(new Set(SHORTCUTS.map((one) => one.keys)).size).toBe(SHORTCUTS.length)
  })

  it.each<[string, Partial<Press>, object, Intention | null]>([
    ['e', {}, { letters: false, typing: false }, null],
    ['e', {}, { letters: true, typing: true }, null],
    ['e', { ctrlKey: true }, HERE, null],
    ['r', { metaKey: true }, HERE, null],
    ['e', { altKey: true }, HERE, null],
    ['Escape', {}, { letters: false, typing: true }, 'escape'],
    ['z', { ctrlKey: true }, { letters: false, typing: false }, 'undo'],
    ['z', { ctrlKey: true }, { letters: true, typing: true }, null],
    ['z', { ctrlKey: true, shiftKey: true }, HERE, null],
    ['q', {}, HERE, null],
  ])('%s %o %o', (key, rest, where, wanted) => {
    const given = where as { letters: boolean; typing: boolean }
    expect(new KeyReader(() => 0).read(press(key, rest), given)).toBe(wanted)
  })

  it('the second of two keys is waited for, but not for ever', () => {
    let now = 0
    const reader = new KeyReader(() => now)
    reader.read(press('g'), HERE)
    now = SECOND_KEY_WITHIN + 1
    expect(reader.read(press('i'), HERE)).toBeNull()
    reader.read(press('g'), HERE)
    expect(reader.read(press('j'), HERE)).toBe('next')
    expect(reader.read(press('i'), HERE)).toBeNull()
  })
})
