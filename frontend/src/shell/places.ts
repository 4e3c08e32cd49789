// What a place is called.

import { app } from '../app.ts'
import type { Mailbox, Route } from '../data/types.ts'

const KNOWN = ['inbox', 'drafts', 'sent', 'trash', 'junk', 'archive'] as const

/** The page's word for a folder that every account has, its own name for others. */
export function mailboxName(mailbox: Mailbox): string {
  const role = KNOWN.find((one) => one === mailbox.role)
  return role ? app.t(`mail.role.${role}`) : mailbox.name
}

export function placeName(route: Route): string {
  if (route.page === 'search') return app.t('mail.resultsFor', { text: route.text })
  if (route.page === 'settings') return app.t('mail.settings')
  if (route.page === 'activity') return app.t('mail.activity')
  if (route.folder === 'starred') return app.t('mail.role.flagged')
  if (route.folder === 'all') return app.t('mail.role.all')
  if (route.folder.startsWith('label:')) {
    const keyword = route.folder.slice('label:'.length)
    return app.mail.labels.find((one) => one.keyword === keyword)?.name ?? keyword
  }
  const mailbox = app.mail.ofFolder(route.folder)
  return mailbox ? mailboxName(mailbox) : app.t('mail.noFolder')
}
