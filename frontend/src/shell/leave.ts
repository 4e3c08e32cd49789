// A page that is to show nothing any more: its person signs out, here or in another tab, or the
// browser's session is somebody else's by now. What signing out does comes when it is asked for.

import { app } from '../app.ts'
import type { Asking } from './questions.svelte.ts'

/** What the tab that signs out tells the others. */
export type Word = 'leaving' | 'failed' | 'left'

let asking: Asking
let channel: BroadcastChannel
let isGoing = false

/** Called once: another tab may sign out. */
export function followLeaving(asked: Asking): void {
  asking = asked
  channel = new BroadcastChannel(`pillarbox-leaving-${app.mail.accountId}`)
  channel.onmessage = ({ data }: MessageEvent<Word>) => {
    veil()
    const goes = () => data === 'left' && makeWay('/mail/')
    void import('./sign-out.ts').then((part) => part.follow(data), goes)
  }
}

export function tellTabs(word: Word): void {
  channel.postMessage(word)
}

/** The session has ended while the page is leaving: nobody is asked to sign in. */
export async function sessionEnded(): Promise<never> {
  const part = await import('./sign-out.ts').catch(() => null)
  await part?.wipedAll()
  tellTabs('left')
  return makeWay('/sign-in')
}

export async function signOut(): Promise<void> {
  const part = await import('./sign-out.ts').catch(() => null)
  if (part) await part.signOut()
  else app.toast(app.t('mail.partFailed'), { kind: 'danger' })
}

/** Nothing of the mail is seen from this moment on. */
export function veil(): void {
  asking.isLeaving = true
  document.documentElement.toggleAttribute('data-veiled', true)
}

/** Whoever is signed in now, if anybody, is for the server to say. */
export function makeWay(to: '/mail/' | '/sign-in'): Promise<never> {
  veil()
  if (!isGoing) location.replace(to)
  isGoing = true
  return new Promise(() => undefined)
}
