// What the picker of emoji knows: read from the file of a language, and searched.

import de from './emoji/de.json?url'
import en from './emoji/en.json?url'
import es from './emoji/es.json?url'
import zh from './emoji/zh.json?url'
import { currentLanguage } from '../i18n/t.ts'

export interface Emoji {
  text: string
  name: string
  group: number
  words: string // name and what else it is found by, in small letters
}

/** As scripts/emoji.ts writes it: emoji, name, words, and the version of a young one. */
export type Told = [number, string[][]][]

const FILES = { de, en, es, zh }
const MOST_FOUND = 120

/** Those of this language that this system can show. */
export async function readEmoji(): Promise<Emoji[]> {
  const answer = await fetch(FILES[currentLanguage()])
  if (!answer.ok) throw new Error(answer.statusText)
  return emojiOf((await answer.json()) as Told, isDrawn)
}

/** Of each young version one is tried: fonts learn them together. */
export function emojiOf(told: Told, isShown: (text: string) => boolean): Emoji[] {
  const known = new Map<string, boolean>([['', true]])
  return told.flatMap(([group, rows]) =>
    rows.flatMap(([text = '', name = '', words = '', version = '']) => {
      if (!known.has(version)) known.set(version, isShown(text))
      if (!known.get(version)) return []
      return [{ text, name, group, words: `${name} ${words}`.toLowerCase() }]
    }),
  )
}

/** Every word typed begins one of its words; those that are named so come first. */
export function findEmoji(all: readonly Emoji[], typed: string): Emoji[] {
  const wished = typed.toLowerCase().trim().split(/\s+/)
  const found = all.filter(({ words, text }) =>
    wished.every((one) => text === one || isIn(words, one)),
  )
  const isNamed = (one: Emoji) => wished.every((word) => isIn(one.name.toLowerCase(), word))
  return [...found.filter(isNamed), ...found.filter((one) => !isNamed(one))].slice(0, MOST_FOUND)
}

/** Chinese has no blanks between words. */
function isIn(words: string, wished: string): boolean {
  if (/\p{Script=Han}/u.test(wished)) return words.includes(wished)
  return words.split(/[^\p{L}\p{N}]+/u).some((one) => one.startsWith(wished))
}

/** Whether there is a picture for it, which has colours where a missing letter's box has none. */
function isDrawn(text: string): boolean {
  const canvas = document.createElement('canvas')
  canvas.width = canvas.height = 24
  const pen = canvas.getContext('2d', { willReadFrequently: true })
  if (!pen) return true
  pen.textBaseline = 'top'
  pen.font = '18px sans-serif'
  pen.fillStyle = '#000'
  pen.fillText(text, 0, 2)
  const { data } = pen.getImageData(0, 0, 24, 24)
  for (let at = 0; at < data.length; at += 4) {
    if (data[at] !== data[at + 1] || data[at] !== data[at + 2]) return true
  }
  return false
}
