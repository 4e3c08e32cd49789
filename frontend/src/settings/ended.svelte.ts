// Pages that show what operations leave behind: they look again when one has ended, not at each
// of its steps.

import { untrack } from 'svelte'

import { app } from '../app.ts'
import { active } from '../bulk/operations.ts'
import type { Id } from '../data/types.ts'

/** While a component is there. */
export function afterOperations(load: () => void): void {
  let known: Set<Id> | null = null
  $effect(() => {
    const ended = new Set(app.act.operations.filter((one) => !active(one)).map((one) => one.id))
    const before = known
    known = ended
    if (before !== null && [...ended].some((id) => !before.has(id))) untrack(load)
  })
}
