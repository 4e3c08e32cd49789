// The order of folders in the sidebar: those with a use first, then the others by name, each
// followed by what is inside it.

import type { Id, Mailbox } from './types.ts'

/** A flat list, parents before children. */
export function inOrder(mailboxes: Mailbox[]): Mailbox[] {
  const byParent = new Map<Id | null, Mailbox[]>()
  const ids = new Set(mailboxes.map((one) => one.id))
  for (const one of mailboxes) {
    const parent = one.parentId !== null && ids.has(one.parentId) ? one.parentId : null
    byParent.set(parent, [...(byParent.get(parent) ?? []), one])
  }
  const out: Mailbox[] = []
  const add = (parent: Id | null) => {
    const children = byParent.get(parent) ?? []
    children.sort((a, b) => a.sortOrder - b.sortOrder || a.name.localeCompare(b.name))
    for (const one of children) {
      out.push(one)
      add(one.id)
    }
  }
  add(null)
  return out
}

/** How deep a folder lies. */
export function depthOf(mailbox: Mailbox, all: Mailbox[]): number {
  let depth = 0
  let at: Mailbox | undefined = mailbox
  while (at?.parentId && depth < all.length) {
    const parent: Id = at.parentId
    at = all.find((one) => one.id === parent)
    if (at) depth++
  }
  return depth
}
