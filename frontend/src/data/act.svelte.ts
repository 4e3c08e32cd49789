// What people do to messages. Each action shows at once, says what it did with a way back, and is
// taken back when the server refuses.

import { type Act, app, type Target } from '../app.ts'
import { refusal } from '../i18n/refusal.ts'
import type { JmapClient } from '../jmap/client.ts'
import { type MailStore, sentenceOf } from './mail.svelte.ts'
import { Silence } from './silence.ts'
import type { Bulk, Sync } from './sync.ts'
import { countOf, isLeft, isSelection, messageIdsOf, messagesOf, rowsOf } from './targets.ts'
import type { BulkAction, BulkOperation, Email, Filter, Id, Role } from './types.ts'
import { type EmailPatch, pathOf, type Refused, reverse, write } from './writes.ts'
import { mailboxName } from '../shell/places.ts'

const UNDO_SECONDS = 12
const MOST_UNDO = 30
const MOST_AT_ONCE = 5000
const WORTH_STARTING_ANEW = 500 // messages: more than one answer tells the changes of
export const RUNNING: ReadonlySet<string> = new Set(['queued', 'running', 'cancelling'])
const WRITTEN_OVER = ['trash', 'junk', 'archive', 'inbox'] as const

interface BulkOf {
  filter?: Filter | null
  emailIds?: Id[]
  exceptIds?: Id[]
  upToState?: string | null
}

function withoutNulls(part: BulkOf): BulkOf {
  const { upToState, ...rest } = part
  return upToState ? { ...rest, upToState } : rest
}

/** Rows are what people see; where they stand for more messages, both are told. */
function said(text: (n: number) => string, rows: number, emails: number): string {
  const more = emails > rows ? ` (${app.t('mail.messages', { n: emails })})` : ''
  return text(rows) + more
}

const QUEUED = { status: 'queued', total: 0, done: 0, failed: 0, failures: [] } as const

interface Done {
  emails: Email[]
  text: string
  back: () => Promise<void>
}

export class Actions implements Act {
  operations = $state.raw<BulkOperation[]>([])
  #undo = $state.raw<Done[]>([])
  canUndo = $derived(this.#undo.length > 0)
  #client: JmapClient
  #mail: MailStore
  #sync: Sync
  #writing: Promise<unknown> = Promise.resolve()
  /** Begun by this page, and not ended. */
  #begun = new Set<Id>()
  /** Operations that were asked for and not answered yet. */
  #creating = 0
  #silence = new Silence(() => this.loadOperations())

  constructor(client: JmapClient, mail: MailStore, sync: Sync) {
    this.#client = client
    this.#mail = mail
    this.#sync = sync
    mail.onEvent('bulk', (data) => {
      this.#silence.ended()
      this.#take([data].flat() as BulkOperation[])
    })
  }

  async move(target: Target, mailboxId: Id): Promise<void> {
    const mailbox = this.#mail.mailbox(mailboxId)
    const name = mailbox ? mailboxName(mailbox) : ''
    const action: BulkAction = { type: 'move', toMailboxId: mailboxId }
    await this.#do(target, action, {
      patch: (email) => ({
        ...Object.fromEntries(
          Object.keys(email.mailboxIds).map((id) => [pathOf('mailboxIds', id), null]),
        ),
        [pathOf('mailboxIds', mailboxId)]: true,
      }),
      leaves: () => isLeft(this.#mail.view.query.filter, mailboxId),
      text: (n) => app.t('mail.moved', { n, folder: name }),
    })
  }

  async archive(target: Target): Promise<void> {
    await this.#moveTo(target, 'archive')
  }

  async remove(target: Target): Promise<void> {
    const trash = this.#mail.withRole('trash')
    const filter = this.#mail.view.query.filter as { inMailbox?: Id } | null
    if (trash && filter?.inMailbox === trash.id) await this.destroy(target)
    else await this.#moveTo(target, 'trash')
  }

  async junk(target: Target, isJunk: boolean): Promise<void> {
    await this.#moveTo(target, isJunk ? 'junk' : 'inbox', {
      [pathOf('keywords', '$junk')]: isJunk ? true : null,
      [pathOf('keywords', '$notjunk')]: isJunk ? null : true,
    })
  }

  async #moveTo(target: Target, role: (typeof WRITTEN_OVER)[number], more: EmailPatch = {}) {
    const mailbox = this.#mail.withRole(role as Role) ?? (await this.#make(role).catch((error: unknown) => this.#failed(error)))
    if (!mailbox) return
    const action: BulkAction = { type: 'move', toMailboxId: mailbox.id }
    await this.#do(target, action, {
      patch: (email) => ({
        ...Object.fromEntries(
          Object.keys(email.mailboxIds)
            .filter((id) => id !== mailbox.id)
            .map((id) => [pathOf('mailboxIds', id), null]),
        ),
        [pathOf('mailboxIds', mailbox.id)]: true,
        ...more,
      }),
      leaves: () => isLeft(this.#mail.view.query.filter, mailbox.id),
      text: (n) => app.t(`mail.done.${role}`, { n, folder: mailbox.name }),
    })
  }

  async #make(role: Role): Promise<{ id: Id; name: string } | undefined> {
    const name = app.t(`mail.role.${role as 'trash' | 'junk' | 'archive' | 'inbox'}`)
    const create = { made: { name, parentId: null, role } }
    const answer = await this.#client.call('Mailbox/set', { create })
    const id = answer.created?.made?.id
    await this.#mail.loadMailboxes()
    return id === undefined ? undefined : { id, name }
  }

  async destroy(target: Target): Promise<void> {
    const rows = rowsOf(target)
    if (rows === null || rows.length > MOST_AT_ONCE) return this.#bulkOf(target, { type: 'destroy' })
    const portion = this.#client.limit('maxObjectsInSet')
    let hidden: ReturnType<MailStore['view']['hide']> | null = null
    try {
      const emails = await this.#messages(rows)
      if (!emails.length) return
      hidden = this.#mail.view.hide(rows)
      this.#leave(rows)
      for (let at = 0; at < emails.length; at += portion) {
        const ids = emails.slice(at, at + portion).map((one) => one.id)
        const { notDestroyed } = await this.#client.call('Email/set', { destroy: ids }, { retries: 2 })
        const refused = Object.values(notDestroyed ?? {}).find((one) => one.type !== 'notFound')
        if (refused) throw new Error(refusal(refused))
      }
      hidden.settle()
      app.toast(app.t('mail.destroyed', { n: emails.length }))
    } catch (error) {
      hidden?.restore()
      this.#failed(error)
    }
  }

  async keyword(target: Target, keyword: string, on: boolean, quiet = false): Promise<void> {
    const type = on ? 'setKeywords' : 'unsetKeywords'
    const action: BulkAction = { type, keywords: { [keyword]: true } }
    const [yes, no] = keyword === '$muted' ? (['mail.muted', 'mail.unmuted'] as const) : (['mail.marked', 'mail.unmarked'] as const)
    await this.#do(target, action, {
      patch: () => ({ [pathOf('keywords', keyword)]: on ? true : null }),
      leaves: () => false,
      text: quiet ? null : (n) => app.t(on ? yes : no, { n }),
    })
  }

  async read(target: Target, isRead: boolean, quiet = false): Promise<void> {
    const type = isRead ? 'setKeywords' : 'unsetKeywords'
    await this.#do(target, { type, keywords: { $seen: true } }, {
      patch: () => ({ 'keywords/$seen': isRead ? true : null }),
      needs: (email) => '$seen' in email.keywords !== isRead,
      leaves: () => false,
      text: quiet ? null : (n) => app.t(isRead ? 'mail.markedRead' : 'mail.markedUnread', { n }),
    })
  }

  async star(target: Target, isStarred: boolean): Promise<void> {
    const one = typeof target === 'string'
    const type = isStarred ? 'setKeywords' : 'unsetKeywords'
    await this.#do(target, { type, keywords: { $flagged: true } }, {
      patch: () => ({ 'keywords/$flagged': isStarred ? true : null }),
      // A star is put on what one sees, and taken from the whole conversation.
      needs: (email) => (!isStarred || !one || email.id === target) && '$flagged' in email.keywords !== isStarred,
      leaves: () => false,
      text: one ? null : (n) => app.t(isStarred ? 'mail.starred' : 'mail.unstarred', { n }),
    })
  }

  async label(target: Target, keyword: string, on: boolean): Promise<void> {
    const name = this.#mail.labels.find((one) => one.keyword === keyword)?.name ?? keyword
    const type = on ? 'setKeywords' : 'unsetKeywords'
    await this.#do(target, { type, keywords: { [keyword]: true } }, {
      patch: () => ({ [pathOf('keywords', keyword)]: on ? true : null }),
      leaves: () => false,
      text: (n) => app.t(on ? 'mail.labelled' : 'mail.unlabelled', { n, label: name }),
    })
  }

  async #do(
    target: Target,
    action: BulkAction,
    how: {
      patch: (email: Email) => EmailPatch
      needs?: (email: Email) => boolean
      leaves: (email: Email) => boolean
      text: ((n: number) => string) | null
    },
  ): Promise<void> {
    const rows = rowsOf(target)
    if (rows === null || rows.length > MOST_AT_ONCE) return this.#bulkOf(target, action)
    let hidden: ReturnType<MailStore['view']['hide']> | null = null
    let done: Done | null = null
    const view = this.#mail.view
    const known = rows.flatMap((id) => this.#mail.emails.peek(id) ?? [])
    // Rows go before anything is asked of the server.
    if (known.length && known.every(how.leaves)) {
      hidden = view.hide(rows)
      this.#leave(rows)
    }
    try {
      const emails = (await this.#messages(rows)).filter(how.needs ?? (() => true))
      if (!emails.length) return hidden?.settle()
      if (!hidden && emails.every(how.leaves)) {
        hidden = view.hide(rows)
        this.#leave(rows)
      }
      const patches = new Map(emails.map((email) => [email.id, how.patch(email)]))
      const back = new Map(emails.map((email) => [email.id, reverse(email, how.patch(email))]))
      if (how.text) done = this.#tell(emails, said(how.text, rows.length, emails.length), back, hidden)
      const refused = await this.#write(patches)
      if (refused === null) return this.#mail.later.afterwards(() => hidden?.settle())
      this.#missed(refused, emails.length)
      hidden?.settle()
    } catch (error) {
      hidden?.restore()
      this.#undo = this.#undo.filter((one) => one !== done)
      this.#failed(error)
    }
  }

  /** What somebody else has destroyed meanwhile is gone; anything else is a refusal. */
  #missed(refused: Refused[], of: number): void {
    const other = refused.find((one) => one.error.type !== 'notFound')?.error
    if (other) throw new Error(refusal(other))
    for (const { id } of refused) this.#mail.emails.delete(id)
    if (!refused.length || refused.length < of) return
    app.toast(app.t('mail.goneMeanwhile', { n: refused.length }), { key: 'action', seconds: 6 })
    void this.#sync.run()
  }

  #messages(rows: Id[]): Promise<Email[]> {
    return messagesOf(this.#mail, rows)
  }

  count(target: Target): Promise<number> {
    return countOf(this.#mail, target)
  }

  /** In the order that they were asked for: Undo must not overtake what it takes back. */
  #write(patches: Map<Id, EmailPatch>): Promise<Refused[] | null> {
    const written = this.#writing.then(() => write(this.#client, this.#mail, patches))
    this.#writing = written.catch(() => undefined)
    return written
  }

  #leave(rows: Id[]): void {
    const { selection } = app
    if (rows.some((id) => selection.has(id))) selection.none(true)
  }

  #tell(
    emails: Email[],
    text: string,
    back: Map<Id, EmailPatch>,
    hidden: { restore: () => void } | null,
  ): Done {
    const done: Done = {
      emails,
      text,
      back: async () => {
        hidden?.restore()
        await this.#write(back)
        await this.#sync.run()
      },
    }
    this.#undo = [...this.#undo, done].slice(-MOST_UNDO)
    app.toast(text, {
      key: 'action',
      seconds: UNDO_SECONDS,
      action: { label: app.t('mail.undo'), run: () => this.#takeBack(done) },
    })
    return done
  }

  async undo(): Promise<void> {
    const last = this.#undo.at(-1)
    if (last) await this.#takeBack(last)
  }

  async #takeBack(done: Done): Promise<void> {
    if (!this.#undo.includes(done)) return
    this.#undo = this.#undo.filter((one) => one !== done)
    try {
      await done.back()
      app.toast(app.t('mail.undone'), { key: 'action', seconds: 4 })
    } catch (error) {
      this.#failed(error)
    }
  }

  #failed(error: unknown): void {
    const text = app.t('mail.notDone', { reason: sentenceOf(error) })
    app.toast(text, { key: 'action', kind: 'danger', seconds: 12 })
  }

  // ── operations of the server ──────────────────────────────────────────────

  async #bulkOf(target: Target, action: BulkAction): Promise<void> {
    const { view } = this.#mail
    const whole = isSelection(target) && target.mode === 'all' ? target : null
    const rows = whole ? [...whole.exclude] : (rowsOf(target) ?? [])
    const isMoved = action.type === 'move' && isLeft(view.query.filter, action.toMailboxId)
    const leaves = isMoved || action.type === 'destroy'
    try {
      const ids = await messageIdsOf(this.#mail, rows)
      if (leaves && whole) view.hideAll(whole.exclude)
      else if (leaves) view.hide(rows).settle()
      app.selection.none(true)
      const parts: BulkOf[] = []
      if (whole) {
        parts.push({ filter: whole.query.filter, exceptIds: ids, upToState: whole.upToState })
      } else {
        for (let at = 0; at < ids.length; at += MOST_AT_ONCE) {
          parts.push({ emailIds: ids.slice(at, at + MOST_AT_ONCE) })
        }
      }
      await this.#begin(action, parts)
    } catch (error) {
      await view.refetch()
      this.#failed(error)
    }
  }

  async bulk(
    action: BulkAction,
    of: { filter: Filter | null; exceptIds?: Id[]; upToState?: string | null },
  ): Promise<Id> {
    const [id] = await this.#begin(action, [of])
    return id as Id
  }

  /** One operation for each part, in one request. */
  async #begin(action: BulkAction, parts: BulkOf[]): Promise<Id[]> {
    const key = crypto.randomUUID()
    const create = Object.fromEntries(
      parts.map((part, n) => [`new${n}`, { ...withoutNulls(part), action, idempotencyKey: `${key}-${n}` }]),
    )
    this.#creating++
    this.#sync.bulk = 'ours'
    try {
      const answer = await this.#client.call('BulkOperation/set', { create }, { retries: 3 })
      const ids = Object.keys(create).map((name) => {
        const made = answer.created?.[name]
        const not = answer.notCreated?.[name]
        if (!made) throw new Error(refusal(not))
        return made.id
      })
      for (const id of ids) this.#begun.add(id)
      this.#creating--
      for (const made of Object.values(answer.created ?? {})) this.#made({ ...QUEUED, ...made, action })
      return ids
    } catch (error) {
      this.#creating--
      this.#sync.bulk = this.#working()
      throw error
    }
  }

  /** The stream may have told of it already, and how it went on. */
  #made(made: BulkOperation): void {
    const told = this.operations.find((one) => one.id === made.id)
    if (told && !RUNNING.has(told.status)) this.#over([told])
    else this.#take(told ? [] : [made])
  }

  /** What comes back by Undo, or goes by another window, is shown as it does. */
  #working(): Bulk | null {
    const running = this.operations.filter((one) => RUNNING.has(one.status))
    if (this.#creating > 0 || running.some((one) => this.#begun.has(one.id))) return 'ours'
    return running.some((one) => one.total > WORTH_STARTING_ANEW) ? 'others' : null
  }

  #over(ended: BulkOperation[]): void {
    for (const one of ended) this.#begun.delete(one.id)
    this.#sync.bulk = this.#working()
    if (ended.some((one) => one.total > WORTH_STARTING_ANEW)) void this.#sync.startAnew()
    else void this.#settle()
  }

  #take(told: BulkOperation[]): void {
    const known = new Map(this.operations.map((one) => [one.id, one]))
    const ended: BulkOperation[] = []
    for (const one of told) {
      const before = known.get(one.id)
      if (before && RUNNING.has(before.status) && !RUNNING.has(one.status)) ended.push(one)
      known.set(one.id, { ...before, ...one })
    }
    this.operations = [...known.values()].sort((a, b) => ((a.createdAt ?? '9') < (b.createdAt ?? '9') ? 1 : -1))
    this.#watch()
    if (ended.length) this.#over(ended)
    else this.#sync.bulk = this.#working()
  }

  #watch(): void {
    this.#silence.watch(this.operations.some((one) => RUNNING.has(one.status)))
  }

  async #settle(): Promise<void> {
    const { view } = this.#mail
    if (!view.isEmptied) return this.#sync.run()
    await view.refetch()
    await this.#sync.run()
  }

  async loadOperations(): Promise<void> {
    try {
      this.#take((await this.#client.call('BulkOperation/get', { ids: null })).list)
    } catch {
      this.#watch() // the tray shows what it knew
    }
  }

  async updateOperation(
    id: Id,
    change: { status?: 'cancelling' | 'running'; undo?: true },
  ): Promise<void> {
    try {
      const answer = await this.#client.call('BulkOperation/set', { update: { [id]: change } })
      const not = answer.notUpdated?.[id]
      if (not) throw new Error(refusal(not))
    } catch (error) {
      const text = app.t('mail.notDone', { reason: sentenceOf(error) })
      app.toast(text, { kind: 'danger', seconds: 12 })
      return
    }
    if (change.status === 'running') this.#begun.add(id)
    await this.loadOperations()
  }
}
