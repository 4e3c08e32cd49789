// Asks for a folder or a label, from anywhere: the keyboard, the reader, the bar of the selection.

import { mount, unmount } from 'svelte'

import { app } from '../app.ts'
import { loadTexts } from '../i18n/t.ts'
import type { Target } from '../app.ts'
import { shownFolder } from './rows.ts'
import type { Id, Mailbox } from '../data/types.ts'
import { mailboxName } from '../shell/places.ts'

/** Before what was typed, where something new is to be made of it. */
export const NEW = 'new:'

export interface Choice {
  readonly id: string
  readonly name: string
  /** How deep below others. */
  readonly level: number
  readonly on: boolean
  /** Of labels. */
  readonly color?: string
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
  const [{ askLabel }] = await Promise.all([import('./labels.ts'), loadTexts('settings')])
  await askLabel(what)
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

/** `offer` is the text of one choice more, for what was typed; the id is NEW and what was typed. */
export async function pick(
  title: string,
  choices: readonly Choice[],
  offer?: (wanted: string) => string,
): Promise<string | null> {
  const { default: Picker } = await import('./Picker.svelte')
  return new Promise((done) => {
    const picker = mount(Picker, {
      target: document.body,
      props: {
        title,
        choices,
        offer,
        onchosen: (id: string | null) => {
          void unmount(picker)
          done(id)
        },
      },
    })
  })
}
