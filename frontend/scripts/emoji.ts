// What the emoji picker shows in each language: names and words of emoji-picker-element-data
// (Apache-2.0, after Unicode's CLDR), without what the picker does not use.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

interface Told {
  emoji: string
  annotation: string
  tags?: string[]
  group: number
  order: number
  version: number
}

const LANGUAGES = ['en', 'de', 'es', 'zh']
const COMPONENTS = 2 // a group of skins and hair, which are no emoji of their own
const OLD = 13.1 // what came later, a system's fonts may not have
const MOST_WORDS = 8
const path = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url))

/** By group: emoji, name, words that are not in the name, and the version of a young one. */
function trimmed(all: Told[]): [number, string[][]][] {
  const groups = new Map<number, string[][]>()
  for (const one of [...all].sort((a, b) => a.order - b.order)) {
    if (one.group === COMPONENTS) continue
    const name = one.annotation
    const words = (one.tags ?? []).filter((tag) => !name.toLowerCase().includes(tag.toLowerCase()))
    const young = one.version > OLD ? String(one.version) : ''
    const row = [one.emoji, name, words.slice(0, MOST_WORDS).join(' '), young]
    while (row.at(-1) === '') row.pop()
    groups.set(one.group, [...(groups.get(one.group) ?? []), row])
  }
  return [...groups].sort(([a], [b]) => a - b)
}

/** Writes src/compose/emoji/*.json, unless they are as they should be. */
export function writeEmoji(): void {
  mkdirSync(path('src/compose/emoji'), { recursive: true })
  for (const language of LANGUAGES) {
    const from = path(`node_modules/emoji-picker-element-data/${language}/cldr/data.json`)
    const to = path(`src/compose/emoji/${language}.json`)
    const text = `${JSON.stringify(trimmed(JSON.parse(readFileSync(from, 'utf8'))))}\n`
    let now = ''
    try {
      now = readFileSync(to, 'utf8')
    } catch {
      // the first time
    }
    if (now !== text) writeFileSync(to, text)
  }
}
