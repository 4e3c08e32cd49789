// Gives the list its way from words to a filter. The same text gives the same filter for a while:
// "older:1y" would otherwise be another list every second, and be read anew each time.

import { app } from '../app.ts'
import type { Filter } from '../data/types.ts'
import { question } from './filter.ts'

const HOLDS = 600_000 // ms
const MOST_KEPT = 50

const kept = new Map<string, { filter: Filter; until: number }>()

export function installSearch(): void {
  app.mail.parseSearch = filterOf
}

export function filterOf(text: string): Filter {
  const { mailboxes: folders, labels } = app.mail
  const key = `${folders.map((one) => one.id + one.name).join()}\n${labels.map((one) => one.keyword + one.name).join()}\n${text}`
  const there = kept.get(key)
  const now = new Date()
  if (there && there.until > now.getTime()) return there.filter
  const filter = (question(text, { now, folders, labels }).filter ?? {}) as Filter
  kept.delete(key)
  kept.set(key, { filter, until: now.getTime() + HOLDS })
  const oldest = kept.keys().next()
  if (kept.size > MOST_KEPT && !oldest.done) kept.delete(oldest.value)
  return filter
}
