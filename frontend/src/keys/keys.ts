// The keyboard of the whole app. One listener; a field that is being typed in keeps its keys, and a
// person who dictates or presses keys by accident can switch the letters off (WCAG 2.2, 2.1.4).

import { mount } from 'svelte'

import { app } from '../app.ts'
import { destroyChosen } from '../bulk/destroying.ts'
import { TOAST_SECONDS, canUndo } from '../bulk/operations.ts'
import { pickFolder, pickLabel } from '../bulk/pick.ts'
import { place } from '../shell/focus.ts'
import { extend, focusFirst, focused, moveFocus, openFocused, toggleFocused } from '../list/commands.ts'
import { goNext, haveAll, openEmail, removing, target, wouldDestroy } from './acts.ts'
import { help } from './help.svelte.ts'
import type { Intention } from './map.ts'
import { KeyReader } from './map.ts'

const reader = new KeyReader(() => performance.now())

/** Called once, when the app is there. */
export function startKeys(): void {
  window.addEventListener('keydown', pressed)
}

function pressed(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return
  if (document.querySelector('dialog[open]')) return // a dialog has the keys
  const at = event.target instanceof Element ? event.target : document.activeElement
  const typing = at !== null && isField(at)
  const intention = reader.read(event, { letters: app.prefs.shortcuts, typing })
  if (intention === null || (event.key === 'Enter' && !mayOpen(at))) return
  if (intention === 'escape' && typing) {
    ;(at as HTMLElement).blur()
    if (at.closest('[role=search]')) place()?.focus()
    return
  }
  if (perform(intention)) event.preventDefault()
}

function isField(at: Element): boolean {
  const field = at.closest('input, textarea, select, [contenteditable=""], [contenteditable=true], [role=textbox], [role=combobox]')
  return field !== null && !(field instanceof HTMLInputElement && ['checkbox', 'radio', 'button'].includes(field.type))
}

/** Enter on a button or link is that button's. */
function mayOpen(at: Element | null): boolean {
  return at === null || at.closest('button, a[href], summary, [role=menuitem], [role=row]') === null
}

/** False: there was nothing to do, and the key goes on its way. */
export function perform(intention: Intention): boolean {
  const doing = ACTS[intention]
  return doing === undefined ? false : doing() !== false
}

type Doing = () => unknown

const go = (folder: string): Doing => () => { app.go({ page: 'list', folder }) }
const answer = (mode: 'reply' | 'replyAll' | 'forward'): Doing => () => {
  const emailId = openEmail() ?? focused()
  if (emailId === null) return false
  const isDraft = '$draft' in (app.mail.email(emailId)?.keywords ?? {})
  app.compose({ emailId, mode: isDraft ? 'draft' : mode })
  return true
}
const withTarget = (act: (what: NonNullable<ReturnType<typeof target>>) => Promise<unknown>): Doing => () => {
  const what = target()
  if (what === null) return false
  void act(what)
  return true
}
const step = (by: 1 | -1): Doing => () => {
  if (openEmail() !== null) void goNext(by)
  else if (focused() === null) focusFirst()
  else moveFocus(by)
}

const ACTS: Partial<Record<Intention, Doing>> = {
  next: step(1),
  previous: step(-1),
  open: () => { if (openEmail() === null) openFocused() },
  list: () => { if (openEmail() !== null) app.back() },
  compose: () => { app.compose({ mode: 'new' }) },
  reply: answer('reply'),
  replyAll: answer('replyAll'),
  forward: answer('forward'),
  archive: () => { void removing((what) => app.act.archive(what)) },
  delete: () => { void (wouldDestroy() ? destroyChosen() : removing((what) => app.act.remove(what))) },
  junk: () => { void removing((what) => app.act.junk(what, true)) },
  star: withTarget((what) => app.act.star(what, !haveAll('$flagged'))),
  mute: withTarget((what) => app.act.keyword(what, '$muted', !haveAll('$muted'))),
  markRead: withTarget((what) => app.act.read(what, true)),
  markUnread: withTarget((what) => app.act.read(what, false)),
  move: withTarget(async () => {
    const to = await pickFolder()
    if (to !== null) await removing((what) => app.act.move(what, to))
  }),
  label: withTarget((what) => pickLabel(what)),
  undo: undoLast,
  select: () => { toggleFocused() },
  selectDown: () => { extend(1) },
  selectUp: () => { extend(-1) },
  selectAll: () => { app.selection.all() },
  selectNone: () => { app.selection.none() },
  selectRead: () => { chooseByRead(true) },
  selectUnread: () => { chooseByRead(false) },
  search: () => { focusSearch() },
  help: () => { void showHelp() },
  escape: escape,
  nextMessage: () => { focusMessage(1) },
  previousMessage: () => { focusMessage(-1) },
  expandAll: () => { window.dispatchEvent(new CustomEvent('readerCommand', { detail: 'expand' })) },
  goInbox: go('inbox'),
  goStarred: go('starred'),
  goDrafts: go('drafts'),
  goSent: go('sent'),
  goArchive: go('archive'),
  goTrash: go('trash'),
  goAll: go('all'),
  goActivity: () => { app.go({ page: 'activity' }) },
  goSettings: () => { app.go({ page: 'settings', section: '' }) },
}

let helpIsThere = false

/** Its code comes when it is asked for. */
async function showHelp(): Promise<void> {
  try {
    const [{ default: Help }, { loadKeyTexts }] = await Promise.all([import('./Help.svelte'), import('./texts.ts')])
    await loadKeyTexts()
    if (!helpIsThere) mount(Help, { target: document.body })
    helpIsThere = true
    help.open = true
  } catch {
    app.toast(app.t('mail.partFailed'), { kind: 'danger' })
  }
}

/** An operation that has just ended, else the last thing done by hand. */
function undoLast(): boolean {
  if (app.selection.takeBack()) return true
  const now = Date.now()
  const last = app.act.operations.find((one) =>
    canUndo(one, app.act.operations, now) && now - Date.parse(one.finishedAt ?? one.createdAt) < TOAST_SECONDS * 1000)
  if (last) void app.act.updateOperation(last.id, { undo: true })
  else if (app.act.canUndo) void app.act.undo()
  else return false
  return true
}

function escape(): boolean {
  if (help.open) help.open = false
  else if (app.selection.active) app.selection.none()
  else if (openEmail() !== null) app.back()
  else return false
  return true
}

function chooseByRead(isRead: boolean): void {
  const ids = app.mail.view.known().filter((id) => '$seen' in (app.mail.email(id)?.keywords ?? {}) === isRead)
  app.selection.none()
  app.selection.setMany(ids, true)
}

function focusSearch(): void {
  document.querySelector<HTMLElement>('[role=search] input')?.focus()
}

/** The messages of an open conversation, one after the other. */
function focusMessage(by: 1 | -1): void {
  const all = [...document.querySelectorAll<HTMLElement>('.conversation:not([inert]) [data-message]')]
  const at = all.findIndex((one) => one.contains(document.activeElement))
  const to = all[Math.min(all.length - 1, Math.max(0, at + by))]
  to?.focus()
  to?.scrollIntoView({ block: 'nearest' })
}
