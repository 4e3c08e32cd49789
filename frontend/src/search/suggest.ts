// What the box offers while somebody types: people seen in mail, folders, values of an operator,
// and searches that were kept.

import type { Folder } from './filter.ts'
import { NAMES, knownName, written } from './grammar.ts'

export interface Person {
  readonly name: string | null
  readonly email: string
}

export interface SavedSearch {
  readonly name: string
  readonly text: string
}

export interface Suggestion {
  readonly kind: 'person' | 'folder' | 'operator' | 'value' | 'saved'
  readonly label: string
  /** Of a person: the address. */
  readonly detail: string
  /** The whole text of the box when it is taken. */
  readonly text: string
}

export interface Sources {
  readonly people: readonly Person[]
  readonly folders: readonly Folder[]
  readonly labels?: readonly { readonly name: string }[]
  readonly saved: readonly SavedSearch[]
}

export const MOST_SUGGESTIONS = 8
const VALUES: Readonly<Record<string, readonly string[]>> = {
  is: ['unread', 'read', 'starred', 'unstarred', 'answered', 'forwarded', 'draft', 'muted'],
  has: ['attachment', 'star'],
  older: ['1w', '1m', '6m', '1y', '3y'],
  newer: ['1d', '1w', '1m', '1y'],
  larger: ['1M', '5M', '10M'],
  smaller: ['10K', '100K', '1M'],
  before: ['today', 'yesterday'],
  after: ['today', 'yesterday'],
}

export function suggestions(text: string, sources: Sources): Suggestion[] {
  const { before, sign, name, begun } = lastPart(text)
  const complete = (chosen: string): string => `${before}${sign}${chosen} `
  const wanted = begun.toLowerCase()
  let found: Suggestion[]
  if (name === 'from' || name === 'to' || name === 'cc' || name === 'bcc') {
    found = people(sources.people, wanted).map((one) => person(one, complete(written(name, one.email))))
  } else if (name === 'in' || name === 'label') {
    found = (name === 'label' && sources.labels?.length ? sources.labels : sources.folders)
      .filter((one) => one.name.toLowerCase().includes(wanted))
      .map((one) => ({ kind: 'folder', label: one.name, detail: '', text: complete(written(name, one.name)) }))
  } else if (name !== undefined) {
    found = (VALUES[name] ?? [])
      .filter((one) => one.toLowerCase().startsWith(wanted) && one.toLowerCase() !== wanted)
      .map((one) => ({ kind: 'value', label: `${name}:${one}`, detail: '', text: complete(written(name, one)) }))
  } else {
    found = ofFreeWord(text, wanted, sources, complete)
  }
  return found.slice(0, MOST_SUGGESTIONS)
}

function ofFreeWord(text: string, wanted: string, sources: Sources, complete: (chosen: string) => string): Suggestion[] {
  const whole = text.trim().toLowerCase()
  const saved = sources.saved
    .filter((one) => one.name.toLowerCase().includes(whole))
    .map((one): Suggestion => ({ kind: 'saved', label: one.name, detail: one.text, text: one.text }))
  if (wanted === '') return saved
  const operators = NAMES.filter((one) => one.startsWith(wanted))
    .map((one): Suggestion => ({ kind: 'operator', label: `${one}:`, detail: '', text: complete(`${one}:`).trimEnd() }))
  const named = people(sources.people, wanted)
    .map((one) => person(one, complete(written('from', one.email))))
  return [...saved, ...operators, ...named]
}

function person(one: Person, text: string): Suggestion {
  return { kind: 'person', label: one.name ?? one.email, detail: one.email, text }
}

function people(all: readonly Person[], wanted: string): Person[] {
  const starts = (one: Person): boolean =>
    one.email.toLowerCase().startsWith(wanted) ||
    (one.name ?? '').toLowerCase().split(/\s+/).some((word) => word.startsWith(wanted))
  const seen = new Set<string>()
  const rest = all.filter((one) => !starts(one) && one.email.toLowerCase().includes(wanted))
  return [...all.filter(starts), ...rest].filter((one) => {
    const key = one.email.toLowerCase()
    return !seen.has(key) && seen.add(key) !== undefined
  })
}

/** The term that is being typed, split from what stands before it. */
function lastPart(text: string): { before: string; sign: string; name: string | undefined; begun: string } {
  const match = /(^|\s)(-?)(?:([A-Za-z_]+):)?("[^"]*|\S*)$/.exec(text)
  const sign = match?.[2] ?? ''
  const operator = match?.[3] === undefined ? undefined : knownName(match[3])
  const begun = match?.[4] ?? ''
  const start = match ? match.index + (match[1]?.length ?? 0) : text.length
  if (match?.[3] !== undefined && operator === undefined) {
    return { before: text.slice(0, start), sign, name: undefined, begun: `${match[3]}:${begun}` }
  }
  return { before: text.slice(0, start), sign, name: operator, begun: begun.replace(/^"/, '') }
}
