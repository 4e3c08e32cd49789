import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { emojiOf, findEmoji, type Told } from './emoji.ts'

const all = (language: string) =>
  emojiOf(JSON.parse(readFileSync(`src/compose/emoji/${language}.json`, 'utf8')) as Told, () => true)
const first = (language: string, typed: string) => findEmoji(all(language), typed)[0]?.text

describe('emoji are found in the language of the pages', () => {
  it.each([
    ['en', 'tada', '🎉'],
    ['en', 'thumbs up', '👍️'],
    ['de', 'daumen hoch', '👍️'],
    ['es', 'pulgar hacia arriba', '👍️'],
    ['zh', '拇指向上', '👍️'],
    ['en', 'RED heart', '❤️'],
    ['de', 'frankr', '🇫🇷'],
  ])('%s: %s', (language, typed, text) => {
    expect(first(language, typed)).toBe(text)
  })

  it('finds a word by its beginning, not in its midst', () => {
    const found = findEmoji(all('en'), 'cat').map((one) => one.name)
    expect(found).toContain('cat face')
    expect(found.some((name) => name.includes('location'))).toBe(false)
    expect(findEmoji(all('en'), 'qqqq')).toEqual([])
  })

  it('puts what is named so before what is only found by it', () => {
    const found = findEmoji(all('en'), 'dog')
    expect(found[0]?.name).toMatch(/\bdog\b/)
  })

  it('has the same in every language', () => {
    const texts = (language: string) => all(language).map((one) => one.text)
    for (const language of ['de', 'es', 'zh']) expect(texts(language)).toEqual(texts('en'))
    expect(texts('en').length).toBeGreaterThan(1800)
  })
})

describe('what a system has no picture for', () => {
  const told: Told = [[0, [['😀', 'grinning face'], ['🫩', 'bags', '', '16'], ['🫈', 'hairy', '', '17']]]]

  it('is left out by its version, and one of each version is tried', () => {
    const tried: string[] = []
    const shown = emojiOf(told, (text) => tried.push(text) > 0 && text === '🫩')
    expect(shown.map((one) => one.text)).toEqual(['😀', '🫩'])
    expect(tried).toEqual(['🫩', '🫈'])
  })
})
