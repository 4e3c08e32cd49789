// Leaving a mailing list. The sender's own page is opened; we never ask it from the server behind
// somebody's back, and a letter is shown before it is sent.

import { app } from '../app.ts'
import type { Unsubscribe } from './unsubscribe.ts'

export async function leaveList(by: Unsubscribe, sender: string): Promise<void> {
  if (by.way === 'mail') {
    const { to, subject, body } = by.letter
    app.compose({ mode: 'new', to, subject: subject === '' ? 'unsubscribe' : subject, body })
    return
  }
  const sure = await app.confirm({
    title: app.t('reader.leave.title', { sender }),
    text: app.t('reader.leave.text', { host: new URL(by.url).hostname }),
    yes: app.t('reader.leave.yes'),
  })
  if (sure) window.open(by.url, '_blank', 'noopener,noreferrer')
}
