// Things done to a whole folder. Each is an operation of the server, whatever the folder holds.

import { app } from '../app.ts'
import type { Filter, Id, Mailbox } from '../data/types.ts'
import { confirmDestroying } from './destroying.ts'
import { mailboxName } from '../shell/places.ts'
import { shownFolder } from './rows.ts'
import { finished } from './watch.svelte.ts'

/** Trash or Junk; what is in it goes for ever. */
export async function emptyFolder(mailbox: Mailbox): Promise<void> {
  const sure = await confirmDestroying(mailbox.totalEmails, app.t('reader.destroy.all', { folder: mailboxName(mailbox) }))
  if (!sure) return
  const { view } = app.mail
  if (shownFolder()?.id === mailbox.id && view.total !== null && view.state !== null) {
    // On screen: its rows go at once.
    await app.act.destroy({ mode: 'all', query: view.query, exclude: new Set(), total: view.total, upToState: view.state })
  } else await app.act.bulk({ type: 'destroy' }, { filter: { inMailbox: mailbox.id } })
}

export async function markFolderRead(mailbox: Mailbox): Promise<void> {
  const filter: Filter = { operator: 'AND', conditions: [{ inMailbox: mailbox.id }, { notKeyword: '$seen' }] }
  await app.act.bulk({ type: 'setKeywords', keywords: { $seen: true } }, { filter })
}

/** Its messages go to the Trash, where they can be found; then the folder and those below it go. */
export async function deleteFolder(mailbox: Mailbox): Promise<void> {
  const trash = app.mail.withRole('trash')
  const all = withChildren(mailbox)
  const count = all.reduce((sum, one) => sum + one.totalEmails, 0)
  const sure = await app.confirm({
    title: app.t('reader.deleteFolder.title', { folder: mailboxName(mailbox) }),
    text: app.t('reader.deleteFolder.text', { n: count, folders: all.length }),
    yes: app.t('reader.deleteFolder.yes'),
    danger: true,
  })
  if (!sure || trash === undefined) return
  if (count > 0 && !(await moved(all, trash.id))) return
  for (const one of all.toReversed()) {
    const answer = await app.client.call('Mailbox/set', { destroy: [one.id] })
    const refused = answer.notDestroyed?.[one.id]
    if (refused) {
      app.toast(app.t('reader.deleteFolder.refused', { folder: mailboxName(one), why: refused.description ?? refused.type }), { kind: 'danger', seconds: 10 })
      return
    }
  }
  await app.mail.sync()
  app.toast(app.t('reader.deleteFolder.done', { folder: mailboxName(mailbox) }))
}

async function moved(all: readonly Mailbox[], toMailboxId: Id): Promise<boolean> {
  const conditions = all.map((one) => ({ inMailbox: one.id }))
  const filter: Filter = conditions.length === 1 && conditions[0] ? conditions[0] : { operator: 'OR', conditions }
  const id = await app.act.bulk({ type: 'move', toMailboxId }, { filter })
  const end = await finished(id)
  return end === 'done'
}

/** Parents first. */
export function withChildren(mailbox: Mailbox): Mailbox[] {
  const below = app.mail.mailboxes.filter((one) => one.parentId === mailbox.id)
  return [mailbox, ...below.flatMap(withChildren)]
}
