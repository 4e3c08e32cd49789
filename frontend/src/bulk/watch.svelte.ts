// Tells how operations go: one toast for each, from its first per cent to Undo. What ended before
// this page was opened is history, and not told again.

import { untrack } from 'svelte'

import { app } from '../app.ts'
import type { Toast, ToastOptions } from '../app.ts'
import type { BulkOperation, Id } from '../data/types.ts'
import { Speed, TOAST_SECONDS, active, canCancel, canUndo, percentOf, phaseOf, undoing } from './operations.ts'
import { sentence } from './words.ts'

const LONG = 3600 // seconds: as long as it works
const TELL_AFTER = 400 // ms: what is done by then is told once, at its end

interface Told {
  toast: Toast | null
  ended: boolean
  since: number
}

const told = new Map<Id, Told>()
const speeds = new Map<Id, Speed>()
let installed = false

/** Called by the tray when it is first shown. */
export function installBulk(): void {
  if (installed) return
  installed = true
  // Mail is painted first: each request before it is a wait.
  requestAnimationFrame(() => setTimeout(() => { void begin() }))
}

async function begin(): Promise<void> {
  await app.act.loadOperations().catch(() => undefined)
  for (const one of app.act.operations) if (!active(one)) told.set(one.id, { toast: null, ended: true, since: 0 })
  $effect.root(() => {
    $effect(() => {
      const all = app.act.operations
      untrack(() => all.forEach(see)) // notices are read and written there
    })
  })
}

export function speedOf(id: Id): number | null {
  return speeds.get(id)?.perSecond ?? null
}

function see(one: BulkOperation): void {
  const now = performance.now()
  const state = told.get(one.id) ?? { toast: null, ended: false, since: now }
  told.set(one.id, state)
  if (active(one)) {
    state.ended = false // it goes on
    const speed = speeds.get(one.id) ?? new Speed()
    speeds.set(one.id, speed)
    speed.see(one.done, now)
    if (now - state.since >= TELL_AFTER || state.toast) tell(one, state)
    else setTimeout(() => { later(one.id) }, TELL_AFTER)
    return
  }
  speeds.delete(one.id)
  if (state.toast && undoing(one, app.act.operations)) {
    state.toast.close() // taken back in the tray: it offers nothing any more
    state.toast = null
  }
  if (state.ended) return
  state.ended = true
  tell(one, state)
}

function later(id: Id): void {
  const one = app.act.operations.find((other) => other.id === id)
  const state = told.get(id)
  if (one && state && active(one)) tell(one, state)
}

function tell(one: BulkOperation, state: Told): void {
  const [text, options] = message(one)
  // Of the same key, so that nothing of the one before stays: what has ended cannot be cancelled.
  state.toast = app.toast(text, options)
}

function message(one: BulkOperation): [string, ToastOptions] {
  const key = `bulk:${one.id}`
  if (active(one)) {
    const text = app.t('reader.bulk.progress', { what: sentence(one), percent: percentOf(one) })
    const cancel = { label: app.t('reader.bulk.cancel'), run: () => app.act.updateOperation(one.id, { status: 'cancelling' }) }
    return [text, { key, seconds: LONG, ...(canCancel(one) ? { action: cancel } : {}) }]
  }
  const problems = phaseOf(one) === 'problems' || phaseOf(one) === 'failed'
  const undo = { label: app.t(phaseOf(one) === 'stopped' ? 'reader.bulk.undoThese' : 'reader.bulk.undo'), run: () => app.act.updateOperation(one.id, { undo: true }) }
  const look = { label: app.t('reader.bulk.look'), run: () => { app.go({ page: 'activity' }) } }
  const text = problems && phaseOf(one) === 'problems' ? app.t('reader.bulk.withProblems', { what: sentence(one), n: one.failed }) : sentence(one)
  const action = problems ? look : canUndo(one, app.act.operations, Date.now()) ? undo : undefined
  return [text, { key, seconds: TOAST_SECONDS, kind: problems ? 'danger' : 'success', ...(action ? { action } : {}) }]
}
