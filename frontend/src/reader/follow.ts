// A click on a link in a message.

import { app } from '../app.ts'
import { mailto, otherHost } from './links.ts'

/** True: it was taken care of, and the browser is not to follow it. */
export function followLink(link: HTMLAnchorElement): boolean {
  const letter = mailto(link.href)
  if (letter) {
    app.compose({ mode: 'new', to: letter.to, cc: letter.cc, subject: letter.subject, body: letter.body })
    return true
  }
  const host = otherHost(link.textContent ?? '', link.href)
  if (host === null) return false
  void warn((link.textContent ?? '').trim().slice(0, 100), host, link.href)
  return true
}

async function warn(said: string, host: string, href: string): Promise<void> {
  const open = await app.confirm({
    title: app.t('reader.link.title'),
    text: app.t('reader.link.text', { said, host }),
    yes: app.t('reader.link.open', { host }),
  })
  if (open) window.open(href, '_blank', 'noopener,noreferrer')
}
