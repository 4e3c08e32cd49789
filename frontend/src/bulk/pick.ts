// Asks for a folder or a label, from anywhere: the keyboard, the reader, the bar of the selection.

import { mount, unmount } from 'svelte'

import { app } from '../app.ts'
import type { Target } from '../app.ts'
import { shownFolder } from './rows.ts'
import type { Id, Mailbox } from '../data/types.ts'
import { mailboxName } from '../shell/places.ts'

export interface Choice {
  readonly id: string
  readonly name: string
  /** How deep below others. */
  readonly level: number
  readonly on: boolean
}

/** Where mail may be moved to; null: nothing was chosen. */
export function pickFolder(): Promise<Id | null> {
  const here = shownFolder()?.id
  const choices = folderChoices(
    app.mail.mailboxes.filter((one) => one.myRights.mayAddItems !== false && one.id !== here),
  )
  return pick(app.t('reader.pick.folder'), choices)
}

/** Gives the label to all, or takes it away where all have it. */
export async function pickLabel(what: Target): Promise<void> {
  const has = (keyword: string): boolean =>
    typeof what === 'string' && keyword in (app.mail.email(what)?.keywords ?? {})
  const choices = app.mail.labels.map((one) => ({ id: one.keyword, name: one.name, level: 0, on: has(one.keyword) }))
  if (choices.length === 0) {
    app.toast(app.t('reader.pick.noLabels'), {
      action: { label: app.t('reader.pick.makeLabel'), run: () => { app.go({ page: 'settings', section: 'folders' }) } },
      seconds: 10,
    })
    return
  }
  const keyword = await pick(app.t('reader.pick.label'), choices)
  if (keyword !== null) await app.act.label(what, keyword, !has(keyword))
}

/** In the order of the sidebar, each below its parent. */
export function folderChoices(mailboxes: readonly Mailbox[]): Choice[] {
  const known = new Set(mailboxes.map((one) => one.id))
  const below = (parent: Id | null, level: number): Choice[] =>
    mailboxes
      .filter((one) => (one.parentId !== null && known.has(one.parentId) ? one.parentId : null) === parent)
      .flatMap((one) => [{ id: one.id, name: mailboxName(one), level, on: false }, ...below(one.id, level + 1)])
  return below(null, 0)
}

async function pick(title: string, choices: readonly Choice[]): Promise<string | null> {
  const { default: Picker } = await import('./Picker.svelte')
  return new Promise((done) => {
    const picker = mount(Picker, {
      target: document.body,
      props: {
        title,
        choices,
        onchosen: (id: string | null) => {
          void unmount(picker)
          done(id)
        },
      },
    })
  })
}
