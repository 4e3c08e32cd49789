// Snippets of the messages in view (RFC 8621 §5), asked for together and kept for this search.

import { SvelteMap } from 'svelte/reactivity'

import { app } from '../app.ts'
import type { Filter, Id } from '../data/types.ts'

export interface Snippet {
  readonly subject: string | null
  readonly preview: string | null
}

const WAIT = 60 // ms: rows come in groups
const MOST_AT_ONCE = 100

let search = ''
const kept = new SvelteMap<Id, Snippet>()
const wanted = new Set<Id>()
let timer: ReturnType<typeof setTimeout> | undefined

export function snippetOf(id: Id): Snippet | undefined {
  return kept.get(id)
}

/** A row of a search is shown. */
export function wantSnippet(id: Id, text: string): void {
  if (text !== search) {
    search = text
    kept.clear()
    wanted.clear()
  }
  if (kept.has(id)) return
  wanted.add(id)
  timer ??= setTimeout(() => { void ask() }, WAIT)
}

async function ask(): Promise<void> {
  timer = undefined
  const asked = search
  // The rows of the list before are still there when a search begins: nothing was found in those.
  const { view } = app.mail
  const emailIds = [...wanted].filter((id) => view.indexOf(id) >= 0).slice(0, MOST_AT_ONCE)
  for (const id of wanted) if (emailIds.includes(id) || view.indexOf(id) < 0) wanted.delete(id)
  if (emailIds.length === 0) return
  if (wanted.size > 0) timer = setTimeout(() => { void ask() }, WAIT)
  try {
    const filter: Filter = app.mail.parseSearch(asked)
    const answer = await app.client.call<{ list: (Snippet & { emailId: Id })[] }>('SearchSnippet/get', { emailIds, filter })
    if (asked === search) for (const one of answer.list) kept.set(one.emailId, one)
  } catch {
    // the rows show the beginning of the message instead
  }
}
