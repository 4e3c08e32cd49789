// What a place is called.

import { app } from '../app.ts'
import type { Route } from '../data/types.ts'

const KNOWN = ['inbox', 'drafts', 'sent', 'trash', 'junk', 'archive'] as const

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
  const role = KNOWN.find((one) => one === mailbox?.role)
  return role ? app.t(`mail.role.${role}`) : (mailbox?.name ?? app.t('mail.title'))
}
