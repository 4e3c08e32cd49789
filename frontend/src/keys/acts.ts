// What an action of the keyboard or of the reader's toolbar is done to, and where one is afterwards.

import { app } from '../app.ts'
import type { Target } from '../app.ts'
import type { Id } from '../data/types.ts'
import { focused } from '../list/commands.ts'

/** The message that is open, by the address of the page. */
export function openEmail(): Id | null {
  const { route } = app
  return (route.page === 'list' || route.page === 'search') && route.email !== undefined ? route.email : null
}

/** What was chosen counts more than what is open, and that more than where the focus is. */
export function target(): Target | null {
  if (app.selection.active) return app.selection.now
  return openEmail() ?? focused()
}

/** Show another message of the same list. */
export function goTo(id: Id): void {
  const { route } = app
  if (route.page === 'list' || route.page === 'search') app.go({ ...route, email: id }, { replace: true })
}

/** The next or previous one; at the end it says so and stays. */
export async function goNext(step: 1 | -1): Promise<void> {
  const open = openEmail()
  if (open === null) return
  const next = await neighbour(open, step)
  if (next === undefined) app.announce(app.t(step === 1 ? 'reader.end' : 'reader.beginning'))
  else goTo(next)
}

async function neighbour(id: Id, step: 1 | -1): Promise<Id | undefined> {
  const at = app.mail.view.indexOf(id)
  const known = at < 0 || at + step < 0 ? undefined : app.mail.view.at(at + step)
  return known ?? (await app.mail.view.neighbour(id, step).catch(() => undefined))
}

/**
 * Does what takes messages out of the list. The open one gives way to its neighbour, as somebody
 * wished, and does so at once; what is under the pointer never waits for the server.
 */
export async function removing(act: (target: Target) => Promise<void>): Promise<void> {
  const what = target()
  if (what === null) return
  const open = openEmail()
  if (open !== null && what === open) {
    const wish = app.prefs.afterRemoval
    const next = wish === 'list' ? undefined
      : ((await neighbour(open, wish === 'previous' ? -1 : 1)) ?? (await neighbour(open, wish === 'previous' ? 1 : -1)))
    const done = act(open)
    if (next === undefined) app.back()
    else goTo(next)
    await done
    return
  }
  await act(what)
}

/** Whether all that it is done to has the keyword already, so that the key takes it away. */
export function haveAll(keyword: string): boolean {
  const what = target()
  if (typeof what === 'string') return keyword in (app.mail.email(what)?.keywords ?? {})
  const { now } = app.selection
  if (now.mode !== 'some') return false
  return [...now.ids].every((id) => keyword in (app.mail.email(id)?.keywords ?? {}))
}

/** Messages in the Trash go for ever: that is asked before. */
export function wouldDestroy(): boolean {
  const trash = app.mail.withRole('trash')
  const { route } = app
  if (trash === undefined || (route.page !== 'list' && route.page !== 'search')) return false
  if (route.page === 'list' && app.mail.ofFolder(route.folder)?.id === trash.id) return true
  const what = target()
  const ids = typeof what === 'string' ? [what] : app.selection.now.mode === 'some' ? [...app.selection.now.ids] : []
  return ids.length > 0 && ids.every((id) => trash.id in (app.mail.email(id)?.mailboxIds ?? {}))
}
