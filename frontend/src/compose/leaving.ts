// At sign-out: letters go from this device, after the server had its chance to take them.

import { app } from '../app.ts'
import { forgetAll, keepFor, keptDrafts, allEntries } from './keep.ts'
import { windows } from './windows.svelte.ts'

const PATIENCE = 5000

/** How many letters are nowhere else, once those that are open were saved. */
export async function lettersOnlyHere(): Promise<number> {
  keepFor(app.mail.accountId)
  const late = new Promise((done) => setTimeout(done, PATIENCE))
  await Promise.race([Promise.allSettled(windows.letters.map((one) => one.saveNow())), late])
  const waiting = (await allEntries()).filter((one) => one.state !== 'held' && one.state !== 'sent')
  const sending = new Set(waiting.map((one) => one.key))
  const drafts = (await keptDrafts()).filter((one) => one.changedAt > one.savedAt && !sending.has(one.key))
  return drafts.length + waiting.length
}

export async function forgetLetters(): Promise<void> {
  await Promise.all(windows.letters.map((one) => one.stop()))
  windows.letters = []
  await forgetAll()
}
