// Leaving a mailing list: with one click where a valid signature covers what the message says of
// that (the server looks, and asks the list; RFC 8058), else on the sender's own page. Nothing is
// asked of anybody behind a person's back, and a letter is shown before it is sent.

import { app } from '../app.ts'
import { RequestFailed } from '../jmap/errors.ts'
import type { Unsubscribe } from './unsubscribe.ts'

interface Offer {
  oneClick: boolean
  host: string | null
}

export async function leaveList(by: Unsubscribe, blobId: string, sender: string): Promise<void> {
  if (by.way === 'mail') {
    const { to, subject, body } = by.letter
    app.compose({ mode: 'new', to, subject: subject === '' ? 'unsubscribe' : subject, body })
    return
  }
  const part = encodeURIComponent
  const path = `/m/${part(app.mail.accountId)}/${part(blobId)}/unsubscribe`
  const offer = by.oneClick ? await offered(path) : null
  const host = offer?.host ?? new URL(by.url).hostname
  const sure = await app.confirm({
    title: app.t('reader.leave.title', { sender }),
    text: app.t(offer ? 'reader.leave.once' : 'reader.leave.text', { host }),
    yes: app.t(offer ? 'reader.leave' : 'reader.leave.yes'),
  })
  if (!sure) return
  if (offer) await ask(path, by.url)
  else openPage(by.url)
}

async function offered(path: string): Promise<Offer | null> {
  try {
    const offer = (await (await app.client.request(path)).json()) as Offer
    return offer.oneClick ? offer : null
  } catch {
    return null // its page is another way
  }
}

async function ask(path: string, url: string): Promise<void> {
  try {
    await app.client.request(path, { method: 'POST' })
    app.toast(app.t('reader.leave.done'), { kind: 'success' })
  } catch (error) {
    const why = error instanceof RequestFailed ? error.message : app.t('mail.noAnswer')
    const action = { label: app.t('reader.leave.yes'), run: () => openPage(url) }
    app.toast(why, { kind: 'danger', seconds: 20, action })
  }
}

function openPage(url: string): void {
  window.open(url, '_blank', 'noopener,noreferrer')
}
