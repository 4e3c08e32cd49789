// What cannot be taken back is asked about before, with the exact number; everything else is not.

import { app } from '../app.ts'
import { target, removing } from '../keys/acts.ts'

export const HOLD_ABOVE = 1000 // messages: more than anyone destroys by a slip of the hand
const HOLD_SECONDS = 2

export function confirmDestroying(count: number, what: string): Promise<boolean> {
  return app.confirm({
    title: app.t('reader.destroy.title', { n: count }),
    text: what,
    yes: app.t('reader.destroy.yes', { n: count }),
    danger: true,
    ...(count > HOLD_ABOVE ? { hold: HOLD_SECONDS, type: count } : {}),
  })
}

/** The selection, or the open message, for ever. */
export async function destroyChosen(): Promise<void> {
  const chosen = target()
  if (chosen === null) return
  const shown = app.selection.active ? app.selection.count : 1
  const count = await app.act.count(chosen).catch(() => shown)
  if (await confirmDestroying(count, app.t('reader.destroy.text'))) await removing((what) => app.act.destroy(what))
}
