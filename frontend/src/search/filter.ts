// Terms as a filter of Email/query (RFC 8621 §4.4.1).

import type { Groups, Term } from './grammar.ts'
import { parse } from './grammar.ts'

export type Filter = FilterOperator | FilterCondition
export interface FilterOperator {
  operator: 'AND' | 'OR' | 'NOT'
  conditions: Filter[]
}
export type FilterCondition = Record<string, unknown>

export interface Folder {
  readonly id: string
  readonly name: string
  readonly role: string | null
}

export interface Surroundings {
  readonly now: Date
  readonly folders: readonly Folder[]
  readonly labels?: readonly { readonly keyword: string; readonly name: string }[]
}

export interface Question {
  /** null: nothing was asked, so everything matches. */
  readonly filter: Filter | null
  /** Terms that could not be understood; they are looked for as words, and the box says so. */
  readonly misread: readonly Term[]
}

export function question(text: string, around: Surroundings): Question {
  return questionOf(parse(text), around)
}

export function questionOf(groups: Groups, around: Surroundings): Question {
  const misread: Term[] = []
  const all: Filter[] = []
  const words: string[] = []
  let anywhere = false
  for (const group of groups) {
    const only = group.length === 1 ? group[0] : undefined
    if (only && only.name === '' && !only.negated) {
      words.push(asWords(only))
      continue
    }
    const before = misread.length
    const parts = group.flatMap((term) => {
      const found = conditionOf(term, around, misread)
      return found === undefined ? [] : [found]
    })
    anywhere ||= misread.length === before && group.some(namesAFolder)
    if (parts.length === 1 && parts[0]) all.push(parts[0])
    else if (parts.length > 1) all.push({ operator: 'OR', conditions: parts })
  }
  if (words.length > 0) all.unshift({ text: words.join(' ') })
  if (groups.length === 0) return { filter: null, misread }
  // Who searches does not mean what was thrown away, unless the search names a folder.
  const aside = around.folders.filter((one) => one.role === 'trash' || one.role === 'junk').map((one) => one.id)
  if (!anywhere && aside.length > 0) all.push({ inMailboxOtherThan: aside })
  return { filter: joined(all), misread }
}

function namesAFolder(term: Term): boolean {
  return (term.name === 'in' || term.name === 'label') && !term.negated && term.value !== ''
}

function joined(all: Filter[]): Filter | null {
  if (all.length === 0) return null
  return all.length === 1 && all[0] ? all[0] : { operator: 'AND', conditions: all }
}

/** undefined: the term excludes nothing ("in:anywhere"). */
function conditionOf(term: Term, around: Surroundings, misread: Term[]): Filter | undefined {
  const found = positive(term, around)
  if (found === 'everything') return undefined
  if (found === 'nonsense') misread.push(term)
  const filter = found === 'nonsense' ? { text: asWords({ ...term, value: `${term.name}:${term.value}` }) } : found
  return term.negated ? { operator: 'NOT', conditions: [filter] } : filter
}

type Meaning = Filter | 'nonsense' | 'everything'

function positive(term: Term, around: Surroundings): Meaning {
  const value = term.value
  if (term.name === '') return { text: asWords(term) }
  if (value === '') return 'everything' // "from:" while the rest is being typed
  switch (term.name) {
    case 'from': case 'to': case 'cc': case 'bcc': case 'subject': case 'body':
      return { [term.name]: asWords(term) }
    case 'has':
      return HAS[value.toLowerCase()] ?? 'nonsense'
    case 'is':
      return IS[value.toLowerCase()] ?? 'nonsense'
    case 'label': {
      const wanted = value.toLowerCase()
      const found = around.labels?.find((one) => one.name.toLowerCase() === wanted || one.keyword === wanted)
      return found ? { hasKeyword: found.keyword } : folderNamed(value, around.folders)
    }
    case 'in':
      return folderNamed(value, around.folders)
    case 'before': case 'after':
      return dated(term.name, value, around.now)
    case 'older': case 'newer':
      return aged(term.name, value, around.now)
    case 'larger': case 'smaller': {
      const octets = octetsOf(value)
      return octets === undefined ? 'nonsense' : { [term.name === 'larger' ? 'minSize' : 'maxSize']: octets }
    }
    default:
      return 'nonsense'
  }
}

const HAS: Readonly<Record<string, Filter>> = {
  attachment: { hasAttachment: true }, attachments: { hasAttachment: true }, star: { hasKeyword: '$flagged' },
}
const IS: Readonly<Record<string, Filter>> = {
  unread: { notKeyword: '$seen' }, unseen: { notKeyword: '$seen' },
  read: { hasKeyword: '$seen' }, seen: { hasKeyword: '$seen' },
  starred: { hasKeyword: '$flagged' }, flagged: { hasKeyword: '$flagged' },
  unstarred: { notKeyword: '$flagged' },
  answered: { hasKeyword: '$answered' }, replied: { hasKeyword: '$answered' },
  forwarded: { hasKeyword: '$forwarded' }, draft: { hasKeyword: '$draft' }, muted: { hasKeyword: '$muted' },
}

function folderNamed(value: string, folders: readonly Folder[]): Meaning {
  const wanted = value.toLowerCase()
  if (wanted === 'anywhere' || wanted === 'all') return 'everything'
  const role = wanted === 'spam' ? 'junk' : wanted
  const found = folders.find((one) => one.name.toLowerCase() === wanted) ??
    folders.find((one) => one.role === role) ??
    folders.find((one) => one.name.toLowerCase().replaceAll(' ', '-') === wanted)
  return found ? { inMailbox: found.id } : 'nonsense'
}

const DATE = /^(\d{4})(?:[-/.](\d{1,2})(?:[-/.](\d{1,2}))?)?$/
const DATE_DAY_FIRST = /^(\d{1,2})\.(\d{1,2})\.(\d{4})$/

function dated(name: 'before' | 'after', value: string, now: Date): Meaning {
  const day = dayOf(value, now)
  return day === undefined ? 'nonsense' : { [name]: instant(day) }
}

/** Midnight, by this device's clock, at which the day, month or year begins. */
export function dayOf(value: string, now: Date): Date | undefined {
  const word = value.toLowerCase()
  if (word === 'today') return new Date(now.getFullYear(), now.getMonth(), now.getDate())
  if (word === 'yesterday') return new Date(now.getFullYear(), now.getMonth(), now.getDate() - 1)
  const forward = DATE.exec(value)
  const backward = DATE_DAY_FIRST.exec(value)
  const [year, month, day] = forward ? [forward[1], forward[2] ?? '1', forward[3] ?? '1']
    : backward ? [backward[3], backward[2], backward[1]] : []
  if (year === undefined || month === undefined || day === undefined) return undefined
  const found = new Date(Number(year), Number(month) - 1, Number(day))
  const same = found.getMonth() === Number(month) - 1 && found.getDate() === Number(day)
  return same ? found : undefined // the 31st of February is no day
}

const AGE = /^(\d{1,4})\s*(h|d|w|m|y)[a-z]*$/i

function aged(name: 'older' | 'newer', value: string, now: Date): Meaning {
  const match = AGE.exec(value)
  const count = Number(match?.[1])
  const unit = match?.[2]?.toLowerCase()
  if (!match || unit === undefined) return 'nonsense'
  const then = new Date(now)
  if (unit === 'h') then.setHours(then.getHours() - count)
  else if (unit === 'd' || unit === 'w') then.setDate(then.getDate() - count * (unit === 'w' ? 7 : 1))
  else goBackMonths(then, unit === 'y' ? count * 12 : count)
  then.setMilliseconds(0)
  return { [name === 'older' ? 'before' : 'after']: instant(then) }
}

function goBackMonths(date: Date, count: number): void {
  const day = date.getDate()
  date.setDate(1)
  date.setMonth(date.getMonth() - count)
  const last = new Date(date.getFullYear(), date.getMonth() + 1, 0).getDate()
  date.setDate(Math.min(day, last)) // a month before the 31st of March is the end of February
}

const SIZE = /^(\d{1,12})(?:[.,](\d))?\s*(k|m|g)?i?b?$/i
const STEPS: Readonly<Record<string, number>> = { k: 1024, m: 1024 ** 2, g: 1024 ** 3 }

export function octetsOf(value: string): number | undefined {
  const match = SIZE.exec(value)
  if (!match) return undefined
  const step = match[3] === undefined ? 1 : (STEPS[match[3].toLowerCase()] ?? 1)
  const octets = Math.round(Number(`${match[1] ?? ''}.${match[2] ?? '0'}`) * step)
  return octets < 2 ** 53 ? octets : undefined
}

/** A UTCDate of RFC 8620 §1.4: whole seconds. */
function instant(date: Date): string {
  return date.toISOString().replace(/\.\d+Z$/, 'Z')
}

/** Quotes keep words together; the server reads both kinds and a backslash before either. */
function asWords(term: Term): string {
  const value = term.value
  return term.quoted || /["']/.test(value) ? `"${value.replace(/[\\"']/g, (one) => `\\${one}`)}"` : value
}
