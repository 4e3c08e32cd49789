// Signing out: what was kept on this device goes first. Letters that only this device has are
// asked about, because nobody else has them. Other tabs of the browser hide what they show at
// once, and leave when the session has ended.

import { app } from '../app.ts'

const OURS = /^pillarbox/
/** The tab that signs out tells when it is done; it may have been closed before. */
const PATIENCE = 10_000

let channel: BroadcastChannel | undefined
let isLeaving = false

/** The page goes away: it asks nobody to sign in. */
export function leaves(): boolean {
  return isLeaving
}

/** Called once: another tab may sign out. */
export function followLeaving(): void {
  channel = new BroadcastChannel(`pillarbox-leaving-${app.mail.accountId}`)
  let gone: Promise<void> | undefined
  channel.onmessage = ({ data }) => {
    gone ??= forget()
    // Whoever is signed in then, if anybody, is for the server to say.
    const leave = () => location.replace('/mail/')
    if (data === 'left') void gone.finally(leave)
    else setTimeout(leave, PATIENCE)
  }
}

export async function signOut(): Promise<void> {
  const part = await import('../compose/leaving.ts')
  const count = await part.lettersOnlyHere()
  if (count > 0 && !(await mayForget(count))) return
  channel?.postMessage('leaving')
  await forget()
  for (const key of Object.keys(localStorage)) if (OURS.test(key)) localStorage.removeItem(key)
  navigator.serviceWorker?.controller?.postMessage('forget')
  const headers = { 'Content-Type': 'application/json', 'X-Csrf-Token': app.client.csrf }
  await fetch('/sign-out', { method: 'POST', headers, body: '{}' }).catch(() => undefined)
  channel?.postMessage('left')
  location.replace('/sign-in')
}

/** Nothing of it is seen any more, and nothing is kept. */
async function forget(): Promise<void> {
  isLeaving = true
  document.documentElement.toggleAttribute('data-veiled', true)
  document.title = app.t('mail.signOut')
  app.selection.none(true)
  const letters = import('../compose/leaving.ts').then((part) => part.forgetLetters())
  await Promise.allSettled([letters, app.mail.forget()])
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
