// Signing out: what was kept on this device goes first. Letters that only this device has are
// asked about, because nobody else has them. Other tabs of the browser hide what they show at
// once, and leave when the session has ended. Where it could not be ended, all of them say so.

import { mount } from 'svelte'
import { app } from '../app.ts'
import { forgetLetters, lettersOnlyHere } from '../compose/leaving.ts'
import { makeWay, tellTabs, veil, type Word } from './leave.ts'
import StillSignedIn from './StillSignedIn.svelte'

const OURS = /^pillarbox/
/** For the server's answer. */
const LIMIT = 6000
/** The tab that signs out tells how it went; it may have been closed before. */
const PATIENCE = 20_000

let wiped: Promise<void> | undefined
let isTold = false
let timer: ReturnType<typeof setTimeout> | undefined

export async function signOut(): Promise<void> {
  const count = await lettersOnlyHere()
  if (count > 0 && !(await mayForget(count))) return
  tellTabs('leaving')
  await forget()
  for (const key of Object.keys(localStorage)) if (OURS.test(key)) localStorage.removeItem(key)
  navigator.serviceWorker?.controller?.postMessage('forget')
  await end()
}

/** Another tab signs out. */
export async function follow(word: Word): Promise<void> {
  clearTimeout(timer)
  if (word === 'leaving') timer = setTimeout(tell, PATIENCE)
  await forget()
  if (word === 'left') void makeWay('/mail/')
  else if (word === 'failed') tell()
}

export function wipedAll(): Promise<void> | undefined {
  return wiped
}

async function end(): Promise<void> {
  try {
    await app.client.request('/sign-out', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: '{}',
      signal: AbortSignal.timeout(LIMIT),
    })
  } catch {
    tellTabs('failed')
    return tell()
  }
  tellTabs('left')
  void makeWay('/sign-in')
}

/** Whoever believes to be signed out leaves the computer to others. */
function tell(): void {
  clearTimeout(timer)
  if (isTold) return
  isTold = true
  mount(StillSignedIn, { target: document.body, props: { again: end } })
}

/** Nothing of it is seen any more, and nothing is kept. */
function forget(): Promise<void> {
  veil()
  app.selection.none(true)
  wiped ??= wipe()
  return wiped
}

async function wipe(): Promise<void> {
  await Promise.allSettled([forgetLetters(), app.mail.forget()])
  for (const key of Object.keys(sessionStorage)) if (OURS.test(key)) sessionStorage.removeItem(key)
}

function mayForget(n: number): Promise<boolean> {
  return app.confirm({
    title: app.t('mail.signOutLetters', { n }),
    text: app.t('mail.signOutLettersText'),
    yes: app.t('mail.signOut'),
    danger: true,
  })
}
