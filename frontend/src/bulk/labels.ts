// Labels: keywords of messages with a name and a colour, which the preferences keep. It comes when
// somebody asks for it, with its texts, which are among those of the settings.

import { mount, unmount } from 'svelte'
import { app, type Target } from '../app.ts'
import { isSelection } from '../data/targets.ts'
import type { Label } from '../data/types.ts'
import LabelDialog from './LabelDialog.svelte'
import { NEW, pick } from './pick.ts'

/** Names of colours are texts; the colours stand out from white and from black. */
export const COLOURS = [
  { name: 'red', value: '#d64545' },
  { name: 'orange', value: '#c8721a' },
  { name: 'yellow', value: '#a98600' },
  { name: 'green', value: '#3c8f4c' },
  { name: 'teal', value: '#15908f' },
  { name: 'blue', value: '#3f7fdc' },
  { name: 'violet', value: '#8b5fd6' },
  { name: 'grey', value: '#7d828c' },
] as const
const LONGEST = 50 // characters of a keyword; with many labels a message's FLAGS stay short
const OF_OTHERS = new Set(['junk', 'nonjunk', 'notjunk', 'recent']) // they mean something to programs

/** As IMAP can say it (RFC 9051 §9: an atom): who names a label like a keyword gets those messages. */
export function keywordOf(name: string, taken: readonly Label[]): string {
  const plain = name.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase()
  const word = plain.replace(/[^a-z0-9_.-]+/g, '_').replace(/^_+|_+$/g, '').slice(0, LONGEST)
  const base = word && !OF_OTHERS.has(word) ? word : `label_${word || crypto.randomUUID().slice(0, 8)}`
  let keyword = base
  for (let n = 2; taken.some((one) => one.keyword === keyword); n++) keyword = `${base}_${String(n)}`
  return keyword
}

export function isTaken(name: string, but: Label | null): boolean {
  const wanted = name.trim().toLocaleLowerCase()
  return app.mail.labels.some((one) => one.keyword !== but?.keyword && one.name.toLocaleLowerCase() === wanted)
}

/** A new one, or another name and colour for one that there is: the messages keep their keyword. */
export function keepLabel(before: Label | null, name: string, color: string): Label {
  const labels = app.mail.labels
  const label = { keyword: before?.keyword ?? keywordOf(name, labels), name: name.trim(), color }
  const others = labels.filter((one) => one.keyword !== label.keyword)
  const sorted = [...others, label].sort((a, b) => a.name.localeCompare(b.name))
  app.setPrefs({ labels: sorted })
  return label
}

/** Taken from every message that has it; false where the person thought better of it. */
export async function removeLabel(label: Label): Promise<boolean> {
  const sure = await app.confirm({
    title: app.t('settings.labelRemoveTitle', { label: label.name }),
    text: app.t('settings.labelRemoveText'),
    yes: app.t('settings.labelRemove'),
    danger: true,
  })
  if (!sure) return false
  const keywords = { [label.keyword]: true } as const
  await app.act.bulk({ type: 'unsetKeywords', keywords }, { filter: { hasKeyword: label.keyword } })
  app.setPrefs({ labels: app.mail.labels.filter((one) => one.keyword !== label.keyword) })
  return true
}

/** Which one, or a new one; all get it, or lose it where all have it. */
export async function askLabel(what: Target): Promise<void> {
  const choices = app.mail.labels.map(({ keyword, name, color }) => ({
    id: keyword,
    name,
    color,
    level: 0,
    on: allHave(what, keyword),
  }))
  const offer = (wanted: string): string =>
    wanted === '' ? app.t('settings.labelNew') : app.t('settings.labelMake', { label: wanted })
  const chosen = await pick(app.t('reader.pick.label'), choices, offer)
  if (chosen === null) return
  if (!chosen.startsWith(NEW)) return app.act.label(what, chosen, !allHave(what, chosen))
  const made = await askNew(chosen.slice(NEW.length))
  if (made) await app.act.label(what, made.keyword, true)
}

function askNew(wanted: string): Promise<Label | null> {
  return new Promise((done) => {
    const dialog = mount(LabelDialog, {
      target: document.body,
      props: {
        label: null,
        wanted,
        onclose: (made: Label | null) => {
          void unmount(dialog)
          done(made)
        },
      },
    })
  })
}

/** Whether all messages that are known to be meant have it. */
export function allHave(what: Target, keyword: string): boolean {
  if (isSelection(what) && what.mode !== 'some') return false
  const ids = typeof what === 'string' ? [what] : isSelection(what) ? [...what.ids] : [...what]
  return ids.length > 0 && ids.every((id) => keyword in (app.mail.email(id)?.keywords ?? {}))
}
