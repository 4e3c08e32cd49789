// At sign-out: letters go from this device, after the server had its chance to take them.

import { app } from '../app.ts'
import { forgetAll, keepFor, keptDrafts, allEntries } from './keep.ts'
import { windows } from './windows.svelte.ts'

const PATIENCE = 5000

/** How many letters are nowhere else, once those that are open were saved. */
export async function lettersOnlyHere(): Promise<number> {
  keepFor(app.mail.accountId)
  await inTime(windows.letters.map((one) => one.saveNow()))
  const waiting = (await allEntries()).filter((one) => one.state !== 'held' && one.state !== 'sent')
  const sending = new Set(waiting.map((one) => one.key))
  const drafts = (await keptDrafts()).filter((one) => one.changedAt > one.savedAt && !sending.has(one.key))
  return drafts.length + waiting.length
}

export async function forgetLetters(): Promise<void> {
  keepFor(app.mail.accountId)
  const { letters } = windows
  windows.letters = [] // nothing asks before the page goes
  await inTime(letters.map((one) => one.stop()))
  await forgetAll()
}

function inTime(work: Promise<void>[]): Promise<unknown> {
  const late = new Promise((done) => setTimeout(done, PATIENCE))
  return Promise.race([Promise.allSettled(work), late])
}
