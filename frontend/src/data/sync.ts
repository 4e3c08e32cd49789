// Brings the store up to date after the server told of a change: one batch says what changed in
// messages, mailboxes and the list on screen, a second one reads what is in use of it.

import { refusal } from '../i18n/refusal.ts'
import { app } from '../app.ts'
import { CallFailed } from '../jmap/errors.ts'
import type { Answers } from '../jmap/methods.ts'
import type { MailStore } from './mail.svelte.ts'
import { newRows, readEmails } from './reading.ts'
import { type Email, type Id, LIST_PROPERTIES } from './types.ts'

const MOST_CHANGES = 500
const MOST_IN_LIST = 200
const MOST_CREATED = 100
const MOST_ROUNDS = 4
const FIRST_PAUSE = 1000
const MOST_PAUSE = 30_000
/** Whose operation on thousands goes on: one that was begun on this page, or another. */
export type Bulk = 'ours' | 'others'
/** Each of its chunks would be asked for otherwise. One of ours that is done in a minute takes three
 * requests: its order, this and what it left (BULK-1); another is seen to go on. */
const PAUSE = { ours: 30_000, others: 1000 } as const
/** The state that an operation leaves is told just behind its end. */
const AFTER_BULK = 120
const META = ['id', 'threadId', 'mailboxIds', 'keywords'] as const

export class Sync {
  #mail: MailStore
  #running: Promise<void> | null = null
  #again = false
  #anew: Promise<void> | null = null
  #timer: ReturnType<typeof setTimeout> | undefined
  #retry: ReturnType<typeof setTimeout> | undefined
  #failures = 0
  #bulk: Bulk | null = null
  #last = 0

  constructor(mail: MailStore) {
    this.#mail = mail
    mail.catchUp = () => this.run()
  }

  /** Set by Act; the first pause begins with the operation. */
  set bulk(bulk: Bulk | null) {
    if (bulk && bulk !== this.#bulk) this.#last = Date.now()
    this.#bulk = bulk
    this.#mail.isMoving = bulk !== null
  }

  /** The states that the server told (RFC 8620 §7.1): `isNewMail` does not wait. */
  told(isNewMail: boolean): void {
    const wait = this.#bulk && !isNewMail ? this.#last + PAUSE[this.#bulk] - Date.now() : 0
    if (wait <= 0) void this.run()
    else this.#timer ??= setTimeout(() => void this.run(), wait)
  }

  /** One at a time; who asks meanwhile gets a run that began after asking. */
  run(): Promise<void> {
    clearTimeout(this.#retry)
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#anew) return this.#anew
    if (this.#running) {
      this.#again = true
      return this.#running
    }
    this.#last = Date.now()
    this.#running = this.#loop().finally(() => {
      this.#running = null
      this.#last = Date.now()
    })
    return this.#running
  }

  /** After an operation on thousands: each of its changes would be asked for otherwise. */
  startAnew(): Promise<void> {
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#anew ??= (async () => {
      await new Promise((done) => setTimeout(done, AFTER_BULK))
      await this.#running
      this.#anew = null
      this.#running = this.#startOver()
        .catch(() => this.#tryLater())
        .finally(() => {
          this.#running = null
          this.#last = Date.now()
        })
      await this.#running
      if (this.#again) await this.run()
    })()
    return this.#anew
  }

  /** Push tries again where it was lost itself; a request may be lost alone. */
  #tryLater(): void {
    this.#mail.isBehind = true
    const pause = Math.min(FIRST_PAUSE * 2 ** this.#failures++, MOST_PAUSE)
    clearTimeout(this.#retry)
    this.#retry = setTimeout(() => void this.run(), pause * (0.5 + Math.random() / 2))
  }

  async #loop(): Promise<void> {
    const mail = this.#mail
    do {
      this.#again = false
      try {
        await this.#sendLater()
        for (let round = 0; await this.#round(); round++) {
          if (this.#bulk) break // it changes more meanwhile: all is read when it is done
          if (round < MOST_ROUNDS) continue
          await this.#startOver()
          break
        }
        this.#failures = 0
        mail.isBehind = false
      } catch {
        this.#tryLater()
        return
      }
    } while (this.#again)
  }

  /** What was done without a connection goes first: what is read then has it already. */
  async #sendLater(): Promise<void> {
    const { later } = this.#mail
    if (later.isEmpty) return
    const refused = await later.send()
    const first = refused[0]?.error
    if (!first) return
    const reason = refusal(first)
    app.toast(app.t('mail.laterRefused', { n: refused.length, reason }), { kind: 'danger', seconds: 12 })
  }

  /** True when there is more. */
  async #round(): Promise<boolean> {
    const mail = this.#mail
    const { client, view, states } = mail
    if (states.Email === null) {
      // A start without a server: what is on screen was kept here, and nothing was read yet.
      if (view.failure !== null) await this.#startOver()
      else if (view.isUnread) await this.#begin() // a page without a list
      return false
    }
    if (view.isEmptied && this.#bulk === 'ours') {
      await this.#askMailboxes() // what has become of messages is read when it is done
      return false
    }
    const emails = client.call('Email/changes', {
      sinceState: states.Email,
      maxChanges: MOST_CHANGES,
    })
    const list = this.#askList()
    const boxes = this.#askMailboxes()
    const known = new Set(view.known())
    const outcome = await settled(emails.answer)
    await boxes
    if (outcome === null) {
      await this.#startOver()
      return false
    }
    await this.#takeEmails(outcome)
    view.again()
    states.Email = outcome.newState
    const changes = await list
    if (mail.view === view && view.state !== null) {
      if (changes) {
        const { destroyed } = outcome
        const removed = new Set(changes.removed)
        view.apply(changes)
        mail.listChanged({
          arrived: newRows(changes.added, changes.removed),
          destroyed,
          destroyedRows: destroyed.filter((id) => known.has(id) || removed.has(id)),
        })
      } else if (!view.isEmptied || this.#bulk !== 'ours') {
        await view.refetch()
        mail.listChanged(null)
      }
    }
    mail.forgetOtherViews()
    return outcome.hasMoreChanges
  }

  async #begin(): Promise<void> {
    const now = this.#mail.client.call('Email/get', { ids: [] })
    await this.#askMailboxes()
    this.#mail.states.Email ??= (await now).state
  }

  /** Null: the server cannot say. */
  #askList(): Promise<Answers['Email/queryChanges'] | null> {
    const { client, view } = this.#mail
    if (view.state === null || view.isEmptied) return Promise.resolve(null)
    const changes = client.call('Email/queryChanges', {
      ...view.query,
      sinceQueryState: view.state,
      maxChanges: MOST_IN_LIST,
      calculateTotal: true,
    })
    const rows = client.call('Email/get', {
      '#ids': changes.ref('/added/*/id'),
      properties: LIST_PROPERTIES,
    })
    const threads = client.call('Thread/get', { '#ids': rows.ref('/list/*/threadId') })
    const members = client.call('Email/get', {
      '#ids': threads.ref('/list/*/emailIds'),
      properties: LIST_PROPERTIES,
    })
    return (async () => {
      const told = await settled(changes.answer)
      if (told === null) return null
      const [some, conversations, others] = await Promise.all([
        settled(rows.answer),
        settled(threads.answer),
        settled(members.answer),
      ])
      for (const one of [...(some?.list ?? []), ...(others?.list ?? [])]) this.#mail.emails.put(one)
      for (const one of conversations?.list ?? []) this.#mail.threads.put(one)
      return told
    })()
  }

  async #askMailboxes(): Promise<void> {
    const mail = this.#mail
    const { client, states } = mail
    if (states.Mailbox === null) return mail.loadMailboxes()
    const changes = client.call('Mailbox/changes', { sinceState: states.Mailbox })
    const created = client.call('Mailbox/get', { '#ids': changes.ref('/created') })
    const updated = client.call('Mailbox/get', {
      '#ids': changes.ref('/updated'),
      '#properties': changes.ref('/updatedProperties'),
    })
    const quotas = client.has('urn:ietf:params:jmap:quota')
      ? client.call('Quota/get', { ids: null })
      : null
    const told = await settled(changes.answer)
    if (told === null || told.hasMoreChanges) return mail.loadMailboxes()
    if (told.created.length || told.updated.length || told.destroyed.length) {
      const fresh = new Map((await updated).list.map((one) => [one.id, one]))
      const gone = new Set(told.destroyed)
      const kept = mail.mailboxes
        .filter((one) => !gone.has(one.id))
        .map((one) => ({ ...one, ...fresh.get(one.id) }))
      const known = new Set(kept.map((one) => one.id))
      const added = (await created).list.filter((one) => !known.has(one.id))
      mail.setMailboxes([...kept, ...added], told.newState)
    } else states.Mailbox = told.newState
    const read = quotas && (await settled(quotas.answer))
    if (read) mail.quotas = read.list
  }

  async #takeEmails(told: Answers['Email/changes']): Promise<void> {
    const { emails, threads, client } = this.#mail
    for (const id of told.destroyed) {
      const threadId = emails.peek(id)?.threadId
      const thread = threadId === undefined ? undefined : threads.peek(threadId)
      if (thread) threads.merge({ id: thread.id, emailIds: thread.emailIds.filter((e) => e !== id) })
      emails.delete(id)
    }
    const updated = told.updated.filter((id) => emails.has(id))
    const created = told.created.filter((id) => !emails.has(id)).slice(0, MOST_CREATED)
    if (!updated.length && !created.length) return
    const meta = updated.length ? client.call('Email/get', { ids: updated, properties: META }) : null
    const made = created.length ? await readEmails(client, created, false) : null
    for (const one of made?.emails ?? []) {
      emails.put(one)
      this.#joinThread(one)
    }
    for (const one of (await meta)?.list ?? []) emails.merge(one)
  }

  #joinThread(email: Email): void {
    const thread = this.#mail.threads.peek(email.threadId)
    if (!thread || thread.emailIds.includes(email.id)) return
    const time = (id: Id) => this.#mail.emails.peek(id)?.receivedAt ?? ''
    const emailIds = [...thread.emailIds, email.id].sort((a, b) => (time(a) < time(b) ? -1 : 1))
    this.#mail.threads.merge({ id: thread.id, emailIds })
  }

  /** The tombstones are gone, or there is too much: only what is on screen is read anew. */
  async #startOver(): Promise<void> {
    this.#again = false
    const { client, emails, view, states } = this.#mail
    const shown = new Set(view.known().slice(0, MOST_CHANGES))
    for (const id of emails.ids()) if (!shown.has(id)) emails.delete(id)
    states.Mailbox = null
    const now = client.call('Email/get', { ids: [] })
    const isWaiting = view.isUnread || (view.isEmptied && this.#bulk === 'ours')
    const list = isWaiting ? null : view.refetch()
    const [{ state }] = await Promise.all([now, this.#askMailboxes(), list])
    states.Email = state
    this.#mail.listChanged(null)
  }
}

/** Null where the method was refused; a failed request is still an error. */
async function settled<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof CallFailed) return null
    throw error
  }
}
