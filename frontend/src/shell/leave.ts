// Signing out: what was kept on this device goes first.

import { app } from '../app.ts'
import { Cache } from '../data/cache.ts'

export async function signOut(): Promise<void> {
  await new Cache(app.mail.accountId).clear()
  await navigator.serviceWorker?.controller?.postMessage('forget')
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
