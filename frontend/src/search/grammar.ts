// The text of a search as terms. Pure: the same text gives the same terms on every device, so a
// saved search means the same for ever. The grammar is the one that people know from elsewhere:
//   word  "a phrase"  name:value  name:"a value"  -not  this OR that
// OR stands between two neighbours and binds stronger than the blank, which means AND.

export interface Term {
  /** Lower case; '' for free words. */
  readonly name: string
  readonly value: string
  readonly negated: boolean
  readonly quoted: boolean
  /** Where it stands in the text, so that a chip can be changed or taken out. */
  readonly start: number
  readonly end: number
}

/** All groups must hold; of a group, one term. */
export type Groups = readonly (readonly Term[])[]

/** Names that are operators; of anything else ("note: buy", "https://…") the colon is part of a word. */
export const NAMES = [
  'from', 'to', 'cc', 'bcc', 'subject', 'body', 'has', 'is', 'in', 'label',
  'before', 'after', 'older', 'newer', 'larger', 'smaller',
] as const
export type Name = (typeof NAMES)[number]

const OTHER_SPELLINGS: Readonly<Record<string, Name>> = {
  older_than: 'older', newer_than: 'newer', size: 'larger', folder: 'in', since: 'after', until: 'before',
}

/** What the search box refuses to read further: nobody writes it by hand. */
export const MOST_CHARACTERS = 2000

export function knownName(written: string): Name | undefined {
  const name = written.toLowerCase()
  return (NAMES as readonly string[]).includes(name) ? (name as Name) : OTHER_SPELLINGS[name]
}

export function parse(text: string): Groups {
  const groups: Term[][] = []
  let joins = false
  for (const term of terms(text.slice(0, MOST_CHARACTERS))) {
    if (term.name === 'or') {
      joins = groups.length > 0
      continue
    }
    const last = groups.at(-1)
    if (joins && last) last.push(term)
    else groups.push([term])
    joins = false
  }
  return groups
}

function* terms(text: string): Generator<Term> {
  let at = 0
  while (at < text.length) {
    if (/\s/.test(text.charAt(at))) {
      at += 1
      continue
    }
    const term = termAt(text, at)
    at = term.end
    if (term.value !== '' || term.name !== '') yield term
  }
}

function termAt(text: string, start: number): Term {
  let at = start
  const negated = text[at] === '-' && at + 1 < text.length && !/\s/.test(text.charAt(at + 1))
  if (negated) at += 1
  const operator = /^([A-Za-z_]+):/.exec(text.slice(at, at + 20))
  const name = operator?.[1] === undefined ? undefined : knownName(operator[1])
  if (name !== undefined && operator) at += operator[0].length
  const [value, end, quoted] = valueAt(text, at)
  if (!quoted && !negated && name === undefined && value === 'OR') {
    return { name: 'or', value, negated, quoted, start, end }
  }
  return { name: name ?? '', value, negated, quoted, start, end }
}

function valueAt(text: string, at: number): [string, number, boolean] {
  if (text[at] === '"') {
    const close = text.indexOf('"', at + 1)
    // Someone is still typing: the phrase goes to the end.
    const end = close < 0 ? text.length : close + 1
    return [text.slice(at + 1, close < 0 ? text.length : close).trim(), end, true]
  }
  let end = at
  while (end < text.length && !/\s/.test(text.charAt(end))) end += 1
  return [text.slice(at, end), end, false]
}

/** The term as it is written in a search. */
export function written(name: string, value: string, negated = false): string {
  const plain = value.replaceAll('"', ' ').trim()
  const quotes = /\s/.test(plain) || plain === '' || (name === '' && (plain === 'OR' || plain.startsWith('-')))
  return `${negated ? '-' : ''}${name === '' ? '' : `${name}:`}${quotes ? `"${plain}"` : plain}`
}

/** The text without one term, or with another in its place. */
export function replaced(text: string, term: Term, by: string): string {
  return `${text.slice(0, term.start)}${by}${text.slice(term.end)}`.replace(/\s+/g, ' ').trim()
    .replace(/^OR\s+|\s+OR$/g, '').replace(/\bOR(\s+OR\b)+/g, 'OR')
}
