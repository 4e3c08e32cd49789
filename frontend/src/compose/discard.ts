// A letter is thrown away: here, and on the server into the Trash, for the version there may hold
// the only copy of a file.

import { app } from '../app.ts'
import type { Draft } from './draft.ts'
import { forgetDraft, keepFile, keptFile } from './keep.ts'

/** Tells how it comes back: as one that is to be saved, which takes the place of the thrown away. */
export async function throwAway(draft: Draft): Promise<() => Promise<Draft>> {
  const { emailId, key, files } = draft
  const trash = app.mail.withRole('trash')
  if (emailId) {
    const update = trash && { [emailId]: { mailboxIds: { [trash.id]: true } } }
    await app.client.call('Email/set', update ? { update } : { destroy: [emailId] })
  }
  const kept = await Promise.all(files.map((one) => keptFile(key, one.key)))
  await forgetDraft(key)
  return async () => {
    for (const [at, file] of files.entries()) if (kept[at]) await keepFile(key, file.key, kept[at])
    return { ...draft, emailId: trash ? emailId : null, changedAt: Date.now() }
  }
}
