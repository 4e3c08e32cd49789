// Signing out: what was kept on this device goes first. Letters that only this device has are
// asked about, because nobody else has them.

import { app } from '../app.ts'

const OURS = /^pillarbox/

export async function signOut(): Promise<void> {
  const part = await import('../compose/leaving.ts')
  const count = await part.lettersOnlyHere()
  if (count > 0 && !(await mayForget(count))) return
  await part.forgetLetters()
  await app.mail.forget()
  for (const kept of [localStorage, sessionStorage]) {
    for (const key of Object.keys(kept)) if (OURS.test(key)) kept.removeItem(key)
  }
  navigator.serviceWorker?.controller?.postMessage('forget')
  const form = document.createElement('form')
  form.method = 'post'
  form.action = '/sign-out'
  const field = document.createElement('input')
  field.type = 'hidden'
  field.name = 'csrf'
  field.value = app.client.csrf
  form.append(field)
  document.body.append(form)
  form.submit()
}

function mayForget(n: number): Promise<boolean> {
  return app.confirm({
    title: app.t('mail.signOutLetters', { n }),
    text: app.t('mail.signOutLettersText'),
    yes: app.t('mail.signOut'),
    danger: true,
  })
}
