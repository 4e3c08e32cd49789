// What is said about the list and its rows.

import { app } from '../app.ts'
import type { Email, Mailbox } from '../data/types.ts'
import { daysUntilGone, sending } from './discards.svelte.ts'
import { mailboxName } from '../shell/places.ts'

/** The folder on screen, if it is one. */
export function shownFolder(): Mailbox | undefined {
  return app.route.page === 'list' ? app.mail.ofFolder(app.route.folder) : undefined
}

/** As people call what they look at. */
export function listName(): string {
  const { route } = app
  if (route.page === 'search') return route.text
  const keyword = route.page === 'list' && route.folder.startsWith('label:') ? route.folder.slice('label:'.length) : null
  if (keyword !== null) return app.mail.labels.find((one) => one.keyword === keyword)?.name ?? keyword
  const folder = shownFolder()
  return folder ? mailboxName(folder) : app.t('reader.select.allMail')
}

/** "deleted in 12 days", in the Trash and the Junk; "will be sent …" of what waits in the Sent. */
export function rowNote(email: Email): string | null {
  const folder = shownFolder()
  if (folder?.role === 'sent') return sending.note?.(email.id) ?? null
  if (folder?.role !== 'trash' && folder?.role !== 'junk') return null
  const days = daysUntilGone(email, folder)
  return days === null ? null : app.t('reader.folder.daysLeft', { n: days })
}
