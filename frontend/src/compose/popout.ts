// A letter in a window of its own: handed over by way of what this device keeps of it, and looked
// after by the window that it came from.

import { app } from '../app.ts'
import { entryOf, forgetDraft, keepDraft, keptDraft } from './keep.ts'
import { Letter, lockOf } from './letter.svelte.ts'
import { readIdentities } from './identities.ts'
import { rest } from './parts.ts'
import { windows } from './windows.svelte.ts'

export const PATH = '/mail/letter/'
const SIZE = 'popup,width=720,height=760'
const BLUR_MS = 140 // what is typed in a field becomes a recipient when it is left
const LOOK_MS = 400
const ANSWER_MS = 2_000
const LET_GO_MS = 15_000 // for the last save of the window before
const channel = new BroadcastChannel('pillarbox-letters')

/** Opens the window and hands the letter over; where the browser lets none open, it says so. */
export async function popOut(letter: Letter, text: () => string | undefined): Promise<void> {
  const { key } = letter
  const other = window.open(PATH + key, key, SIZE)
  if (!other) {
    letter.problem = app.t('compose.popUpBlocked')
    return
  }
  await new Promise((done) => setTimeout(done, BLUR_MS))
  const html = text()
  if (html !== undefined && html !== letter.draft.html) letter.change({ html })
  try {
    await keepDraft(letter.handed())
  } catch (error) {
    other.close()
    letter.problem = (error as Error).message
    return
  }
  windows.popped.set(key, other)
  windows.remove(letter)
  await letter.handOver()
  follow(key, other)
}

/** Whoever sends there has its undo here. */
channel.addEventListener('message', ({ data }: MessageEvent<{ send?: string }>) => {
  if (!data.send || !windows.popped.has(data.send)) return
  void rest.get().then(({ outbox }) => outbox.work())
  channel.postMessage({ taken: data.send })
})

function follow(key: string, other: Window): void {
  const timer = setInterval(() => {
    if (!other.closed) return
    clearInterval(timer)
    windows.popped.delete(key)
    // Its last words are here by the time that it lets go.
    void navigator.locks.request(lockOf(key), () => undefined).then(() => settle(key))
  }, LOOK_MS)
}

/** The window was closed: what the server does not have yet, it is given from here. */
async function settle(key: string): Promise<void> {
  const draft = await keptDraft(key)
  if (!draft || (await entryOf(key))) return
  if (draft.handed?.isUntouched) return forgetDraft(key)
  if (draft.handed) return windows.show(draft) // it never came as far as taking it over
  const letter = new Letter(draft, await readIdentities().catch(() => []), false)
  letter.resumed()
  const isSaved = await letter.close()
  if (!isSaved) windows.left = [...windows.left, letter.draft]
  app.toast(app.t(isSaved ? 'compose.closedSaved' : 'compose.closedLocal'))
}

// ── in the window of its own ────────────────────────────────────────────────────────────────────

/** The letter of that key, once the window before has let go of it; false where there is none. */
export async function takeOver(key: string): Promise<boolean> {
  const signal = AbortSignal.timeout(LET_GO_MS)
  const isFree = await navigator.locks
    .request(lockOf(key), { signal }, () => true)
    .catch(() => false)
  const draft = isFree ? await keptDraft(key) : undefined
  if (!draft || (await entryOf(key))) return false
  await windows.show(draft)
  await windows.letters[0]?.keepNow()
  return true
}

/** Whether the window before sends it, and offers to take that back. */
export function sendsElsewhere(key: string): Promise<boolean> {
  const { opener } = window as { opener: Window | null }
  if (!opener || opener.closed) return Promise.resolve(false)
  return new Promise((done) => {
    channel.addEventListener('message', ({ data }: MessageEvent<{ taken?: string }>) => {
      if (data.taken === key) done(true)
    })
    setTimeout(() => done(false), ANSWER_MS)
    channel.postMessage({ send: key })
  })
}
