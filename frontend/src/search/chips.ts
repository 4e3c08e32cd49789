// What stands in the search box as chips: every operator is one, free words stay text.

import type { Term } from './grammar.ts'
import { parse, replaced, written } from './grammar.ts'

export interface Chip {
  readonly term: Term
  /** As it is written, so that it can be put into a field and changed. */
  readonly text: string
  /** Whether an OR joins it with the one before. */
  readonly alternative: boolean
}

export function chipsOf(text: string): Chip[] {
  return parse(text).flatMap((group) =>
    group
      .map((term, place) => ({ term, text: written(term.name, term.value, term.negated), alternative: place > 0 }))
      .filter((chip) => chip.term.name !== '' || chip.term.negated || chip.alternative),
  )
}

export function withoutChip(text: string, chip: Chip): string {
  return replaced(text, chip.term, '')
}

export function withChip(text: string, chip: Chip, by: string): string {
  return replaced(text, chip.term, by.trim())
}

/** The same search with one more term; one that is there already is not doubled. */
export function withTerm(text: string, name: string, value: string): string {
  const term = written(name, value)
  const there = parse(text).flat().some((one) => written(one.name, one.value, one.negated) === term)
  return there ? text : `${text.trim()} ${term}`.trim()
}
