// Things done to a whole folder. Each is an operation of the server, whatever the folder holds.

import { app } from '../app.ts'
import type { BulkAction, Filter, Mailbox } from '../data/types.ts'
import { confirmDestroying } from './destroying.ts'
import { mailboxName } from '../shell/places.ts'
import { shownFolder } from './rows.ts'

/** Trash or Junk; what is in it goes for ever. */
export async function emptyFolder(mailbox: Mailbox): Promise<void> {
  const sure = await confirmDestroying(mailbox.totalEmails, app.t('reader.destroy.all', { folder: mailboxName(mailbox) }))
  if (!sure) return
  const { view } = app.mail
  if (shownFolder()?.id === mailbox.id && view.total !== null && view.state !== null) {
    // On screen: its rows go at once.
    await app.act.destroy({ mode: 'all', query: view.query, exclude: new Set(), total: view.total, upToState: view.state })
  } else await begin({ type: 'destroy' }, { inMailbox: mailbox.id })
}

export async function markFolderRead(mailbox: Mailbox): Promise<void> {
  const filter: Filter = { operator: 'AND', conditions: [{ inMailbox: mailbox.id }, { notKeyword: '$seen' }] }
  await begin({ type: 'setKeywords', keywords: { $seen: true } }, filter)
}

async function begin(action: BulkAction, filter: Filter): Promise<void> {
  try {
    await app.act.bulk(action, { filter })
  } catch (error) {
    const reason = error instanceof Error ? error.message : app.t('mail.serverFailed')
    app.toast(app.t('mail.notDone', { reason }), { kind: 'danger', seconds: 12 })
  }
}

/**
 * Its messages go to the Trash, where they can be found; then the folder and those below it go. One
 * operation of the server, which goes on without this page and can be taken back.
 */
export async function deleteFolder(mailbox: Mailbox): Promise<void> {
  const trash = app.mail.withRole('trash')
  const all = withChildren(mailbox)
  const count = all.reduce((sum, one) => sum + one.totalEmails, 0)
  const sure = await app.confirm({
    title: app.t('reader.deleteFolder.title', { folder: mailbox.name }),
    text: [
      count || all.length > 1 ? app.t('reader.deleteFolder.text', { n: count }) : app.t('reader.deleteFolder.empty'),
      ...(all.length > 1 ? [app.t('reader.deleteFolder.more', { folders: all.length })] : []),
    ].join(' '),
    yes: app.t('reader.deleteFolder.yes'),
    danger: true,
  })
  if (!sure || trash === undefined) return
  const conditions = all.map((one) => ({ inMailbox: one.id }))
  const filter: Filter = conditions.length === 1 && conditions[0] ? conditions[0] : { operator: 'OR', conditions }
  const shown = shownFolder()?.id
  if (all.some((one) => one.id === shown)) app.go({ page: 'list', folder: 'inbox' })
  const thenDestroyMailboxIds = all.toReversed().map((one) => one.id)
  try {
    await app.act.bulk({ type: 'move', toMailboxId: trash.id, thenDestroyMailboxIds }, { filter })
  } catch (error) {
    const why = error instanceof Error ? error.message : app.t('mail.serverFailed')
    app.toast(app.t('reader.deleteFolder.refused', { folder: mailbox.name, why }), { kind: 'danger', seconds: 10 })
  }
}

/** Parents first. */
export function withChildren(mailbox: Mailbox): Mailbox[] {
  const below = app.mail.mailboxes.filter((one) => one.parentId === mailbox.id)
  return [mailbox, ...below.flatMap(withChildren)]
}
