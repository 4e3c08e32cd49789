// Letters on their way: each goes once, waits where it must, and can be taken back for a while.

import { app, type Toast } from '../app.ts'
import { addEntry, allEntries, dropEntry, entryOf, forgetDraft, putEntry } from '../compose/keep.ts'
import type { Draft } from '../compose/draft.ts'
import { readIdentities } from '../compose/identities.ts'
import type { Identity } from '../compose/reply.ts'
import { dropFormer, filesOf } from '../compose/server.ts'
import { currentLocale } from '../i18n/t.ts'
import type { Entry } from './entry.ts'
import {
  lookFor,
  markAnswered,
  readSubmission,
  submit,
  submitKept,
  takeBack,
  type Sent,
} from './submission.ts'

const LOCK = 'pillarbox-outbox'
const RETRY_MS = 15_000
const ASK_MS = 400 // between questions whether it is final, once its time is over
const LONG_HOLD_MS = 60_000 // longer than any undo: a letter to be sent later

/** What composers do when a letter comes back. */
export interface Returns {
  failed(entry: Entry): void
  undone(draft: Draft): void
}

class Outbox {
  entries: Entry[] = $state.raw([])
  /** Where another window may do the work: whether it does. */
  elsewhere: ((key: string) => Promise<boolean>) | null = null
  private returns: Returns | null = null
  private readonly toasts = new Map<string, Toast>()
  private readonly timers = new Map<string, number>()
  private retry = 0

  /** Once; takes up what an earlier page left. */
  async start(returns: Returns): Promise<void> {
    if (this.returns) return
    this.returns = returns
    window.addEventListener('online', () => void this.work())
    app.mail.onChange('EmailSubmission', () => void this.look())
    await this.refresh()
    for (const entry of this.entries) {
      if (entry.state === 'sending') await this.put({ ...entry, state: 'unsure' })
      if (entry.state === 'held') this.watch(entry)
      if (entry.state === 'failed') this.giveBack(entry)
    }
    void this.work()
  }

  get waiting(): Entry[] {
    return this.entries.filter((one) => ['waiting', 'unsure', 'sending'].includes(one.state))
  }

  /** False where the letter is on its way already. */
  async add(draft: Draft, when: { holdSeconds: number; sendAt: string | null }): Promise<boolean> {
    const entry: Entry = {
      key: draft.key,
      draft,
      state: 'waiting',
      ...when,
      submissionId: null,
      finalAt: 0,
      problem: null,
      madeAt: Date.now(),
    }
    if (!(await addEntry(entry))) return false
    await this.refresh()
    if (!(await this.elsewhere?.(entry.key))) void this.work()
    return true
  }

  /** Everything that can go, one after the other, in one window of the browser. */
  async work(): Promise<void> {
    window.clearTimeout(this.retry)
    const turn = async () => {
      await this.refresh()
      for (const entry of this.waiting) if (!(await this.send(entry))) return false
      return true
    }
    const isDone = navigator.locks ? await navigator.locks.request(LOCK, turn) : await turn()
    if (!isDone) this.retry = window.setTimeout(() => void this.work(), RETRY_MS)
  }

  /** Whether to go on with the next one. */
  private async send(entry: Entry): Promise<boolean> {
    const identity =
      (await this.identities()).find((one) => one.id === entry.draft.identityId) ?? null
    let sent: Sent
    if (entry.state === 'unsure') {
      const found = await lookFor(entry).catch(() => null)
      if (!found) return false
      if (found.submission) {
        const { submission } = found
        sent = { kind: 'taken', emailId: submission.emailId, submission }
      } else if (found.emailId) sent = await submitKept(entry, identity, found.emailId)
      else sent = await this.submit(entry, identity)
    } else {
      await this.put({ ...entry, state: 'sending' })
      sent = await this.submit(entry, identity)
    }
    return this.after(entry, sent)
  }

  /** Files that the server has forgotten are taken from the version that it has. */
  private async submit(entry: Entry, identity: Identity | null): Promise<Sent> {
    const sent = await submit(entry, identity)
    if (sent.kind !== 'blobs') return sent
    const { draft } = entry
    const files = await filesOf(draft.emailId, draft.files).catch(() => null)
    if (files === null) return { kind: 'offline' }
    entry.draft = { ...draft, files }
    return files.some((one) => one.blobId === null) ? sent : submit(entry, identity)
  }

  private async identities() {
    return readIdentities().catch(() => [])
  }

  private async after(entry: Entry, sent: Sent): Promise<boolean> {
    if (sent.kind === 'lost' || sent.kind === 'offline') {
      await this.put({ ...entry, state: sent.kind === 'lost' ? 'unsure' : 'waiting' })
      this.say(entry, app.t('compose.willBeSent'))
      return false
    }
    const before = entry.draft.emailId
    const emailId = sent.kind === 'blobs' ? before : sent.emailId
    if (before && emailId && emailId !== before) void dropFormer(before)
    if (sent.kind === 'refused' || sent.kind === 'blobs') {
      const problem = sent.kind === 'blobs' ? app.t('compose.failedUpload') : sent.problem
      const draft = emailId === before ? entry.draft : await asOf(entry.draft, emailId)
      const failed: Entry = { ...entry, draft, state: 'failed', problem }
      await this.put(failed)
      this.giveBack(failed)
      return true
    }
    const { submission } = sent
    const held: Entry = {
      ...entry,
      draft: { ...entry.draft, emailId },
      submissionId: submission.id,
      finalAt: Date.parse(submission.sendAt) || Date.now() + entry.holdSeconds * 1000,
      state: submission.undoStatus === 'pending' ? 'held' : 'sent',
    }
    await forgetDraft(entry.key)
    void markAnswered(entry).catch(() => undefined) // a mark only
    if (held.state === 'sent') return this.finish(held)
    await this.put(held)
    this.watch(held)
    return true
  }

  // ── undo ────────────────────────────────────────────────────────────────────────────────────

  /** Offers to take it back exactly as long as the server would. */
  private watch(entry: Entry): void {
    const left = entry.finalAt - Date.now()
    if (left > LONG_HOLD_MS) {
      // The server keeps it from now on; the list of letters to be sent shows it.
      this.say(entry, app.t('compose.scheduled', { when: momentOf(entry.finalAt) }), 12)
      void dropEntry(entry.key).then(() => this.refresh())
      return
    }
    this.say(entry, app.t('compose.sent'), Math.max(1, left / 1000) + 30)
    this.askAt(entry, Math.max(0, left))
  }

  private askAt(entry: Entry, wait: number): void {
    window.clearTimeout(this.timers.get(entry.key))
    this.timers.set(
      entry.key,
      window.setTimeout(() => void this.ask(entry.key), wait),
    )
  }

  private async ask(key: string): Promise<void> {
    const entry = await entryOf(key)
    if (entry?.state !== 'held' || !entry.submissionId) return
    const submission = await readSubmission(entry.submissionId).catch(() => undefined)
    if (submission === undefined) return this.askAt(entry, RETRY_MS)
    if (submission?.undoStatus === 'pending') {
      const left = (Date.parse(submission.sendAt) || 0) - Date.now()
      return this.askAt(entry, Math.max(ASK_MS, left))
    }
    if (submission?.undoStatus === 'canceled') return this.forget(entry)
    await this.finish(entry)
  }

  /** The server told that submissions changed. */
  private async look(): Promise<void> {
    for (const entry of this.entries) if (entry.state === 'held') await this.ask(entry.key)
  }

  async undo(key: string): Promise<void> {
    const entry = await entryOf(key)
    if (entry?.state !== 'held' || !entry.submissionId) return
    const outcome = await takeBack(entry.submissionId)
    if (outcome === 'offline') {
      this.say(entry, app.t('compose.undoOffline'))
      return
    }
    if (outcome === 'tooLate') {
      await this.finish(entry, app.t('compose.undoTooLate'))
      return
    }
    await this.forget(entry)
    app.announce(app.t('compose.undone'))
    this.returns?.undone(await asOf(entry.draft, entry.draft.emailId))
  }

  private async finish(entry: Entry, text = app.t('compose.sentFinal')): Promise<boolean> {
    await this.forget(entry, false)
    this.toast(entry.key, text, 4)
    return true
  }

  private async forget(entry: Entry, closes = true): Promise<void> {
    window.clearTimeout(this.timers.get(entry.key))
    this.timers.delete(entry.key)
    if (closes) this.toasts.get(entry.key)?.close()
    this.toasts.delete(entry.key)
    await dropEntry(entry.key)
    await this.refresh()
  }

  private giveBack(entry: Entry): void {
    this.toasts.get(entry.key)?.close()
    void dropEntry(entry.key).then(() => this.refresh())
    this.returns?.failed(entry)
  }

  // ── words ───────────────────────────────────────────────────────────────────────────────────

  private say(entry: Entry, text: string, seconds = 15): void {
    const canUndo = entry.state === 'held'
    const action = { label: app.t('compose.undo'), run: () => this.undo(entry.key) }
    this.toast(entry.key, text, seconds, canUndo ? action : undefined)
  }

  private toast(
    key: string,
    text: string,
    seconds: number,
    action?: { label: string; run: () => Promise<void> },
  ): void {
    const options = { seconds, key: `send:${key}`, ...(action ? { action } : {}) }
    this.toasts.set(key, app.toast(text, options))
  }

  private async put(entry: Entry): Promise<void> {
    await putEntry(entry)
    await this.refresh()
  }

  private async refresh(): Promise<void> {
    this.entries = await allEntries()
  }
}

/** The draft as that version has it: the blobs of an older one's files went with it. */
async function asOf(draft: Draft, emailId: string | null): Promise<Draft> {
  const known = await filesOf(emailId, draft.files).catch(() => draft.files)
  const files = known.map((one, at) => (one.blobId ? one : (draft.files[at] ?? one)))
  return { ...draft, emailId, files }
}

export function momentOf(at: number): string {
  const format = new Intl.DateTimeFormat(currentLocale(), {
    weekday: 'short',
    day: 'numeric',
    month: 'short',
    hour: 'numeric',
    minute: '2-digit',
  })
  return format.format(at)
}

export const outbox = new Outbox()
