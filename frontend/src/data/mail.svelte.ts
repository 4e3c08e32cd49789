// The mail of one account as the app knows it: mailboxes, quotas, messages, conversations, and
// the list on screen. `Sync` brings it up to date, `Act` changes it.

import type { Mail } from '../app.ts'
import { refusal } from '../i18n/refusal.ts'
import { t } from '../i18n/t.ts'
import type { JmapClient } from '../jmap/client.ts'
import { CallFailed, NetworkFailed } from '../jmap/errors.ts'
import { Cache } from './cache.ts'
import { type Page, type Place, queryKey, readEmails, readPage } from './reading.ts'
import { LaterWrites } from './later.ts'
import { Records } from './records.svelte.ts'
import { inOrder } from './mailbox-order.ts'
import type {
  Email,
  Filter,
  FirstBatch,
  Id,
  JmapSession,
  Label,
  Mailbox,
  Preferences,
  PushStatus,
  Query,
  Quota,
  Role,
  Route,
  SortName,
  Thread,
} from './types.ts'
import { ListView } from './view.svelte.ts'

const MOST_RECORDS = 5000
const MOST_VIEWS = 8
/** What the page brought is painted before anybody asks what has changed since. */
const FIRST_LOOK = 500
/** At sign-out: for changes that the server does not have yet. */
const LAST_WRITES = 5000

const SORTS: Record<SortName, Query['sort']> = {
  newest: [{ property: 'receivedAt', isAscending: false }],
  oldest: [{ property: 'receivedAt', isAscending: true }],
  from: [
    { property: 'from', isAscending: true },
    { property: 'receivedAt', isAscending: false },
  ],
  subject: [
    { property: 'subject', isAscending: true },
    { property: 'receivedAt', isAscending: false },
  ],
  largest: [{ property: 'size', isAscending: false }],
  unread: [
    { property: 'hasKeyword', keyword: '$seen', isAscending: true },
    { property: 'receivedAt', isAscending: false },
  ],
  flagged: [
    { property: 'hasKeyword', keyword: '$flagged', isAscending: false },
    { property: 'receivedAt', isAscending: false },
  ],
}

export interface ListNews {
  /** Rows that were not there before. */
  arrived: Id[]
  /** Messages that have ceased to exist, and which of them were rows of the list. */
  destroyed: Id[]
  destroyedRows: Id[]
}

export class MailStore implements Mail {
  readonly client: JmapClient
  readonly emails = new Records<Email>()
  readonly threads = new Records<Thread>()
  readonly cache: Cache
  /** Changes of messages that wait for a connection. */
  readonly later: LaterWrites
  mailboxes = $state.raw<Mailbox[]>([])
  quotas = $state.raw<Quota[]>([])
  push = $state<PushStatus>('reconnecting')
  heardAt = $state(0)
  /** The server told of changes that could not be read yet. */
  isBehind = $state(false)
  parseSearch: (text: string) => Filter = (text) => ({ text })
  /** Where the next sync begins. */
  readonly states: { Email: string | null; Mailbox: string | null } = { Email: null, Mailbox: null }
  #view = $state.raw<ListView>() as ListView
  #views = new Map<string, ListView>()
  /** The list that the page brought, until it is shown. */
  #brought: ListView | null = null
  #prefs: () => Preferences
  #setPrefs: (changed: Partial<Preferences>) => void
  #changeCalls = new Map<string, Set<() => void>>()
  #eventCalls = new Map<string, Set<(data: unknown) => void>>()
  /** Sync sets these. While something moves thousands, no two answers are of the same state. */
  isMoving = false
  catchUp: () => Promise<void> = async () => undefined
  /** The selection sets it: what came into the list or is no more; null where nobody can say. */
  listChanged: (news: ListNews | null) => void = () => undefined

  constructor(
    client: JmapClient,
    prefs: () => Preferences,
    setPrefs: (changed: Partial<Preferences>) => void,
  ) {
    this.client = client
    this.#prefs = prefs
    this.#setPrefs = setPrefs
    this.cache = new Cache(client.accountId)
    this.later = new LaterWrites(client, this.emails)
    this.#view = this.#newView({ filter: null, sort: SORTS.newest, collapseThreads: true })
  }

  get accountId(): Id {
    return this.client.accountId
  }

  get session(): JmapSession {
    return this.client.session
  }

  get view(): ListView {
    return this.#view
  }

  get sort(): SortName {
    return this.#prefs().sort
  }

  setSort(sort: SortName): void {
    this.#setPrefs({ sort })
  }

  get labels(): Label[] {
    return this.#prefs().labels
  }

  mailbox(id: Id): Mailbox | undefined {
    return this.mailboxes.find((one) => one.id === id)
  }

  withRole(role: Role): Mailbox | undefined {
    return this.mailboxes.find((one) => one.role === role)
  }

  ofFolder(folder: string): Mailbox | undefined {
    return this.withRole(folder as Role) ?? this.mailbox(folder)
  }

  email(id: Id): Email | undefined {
    return this.emails.get(id)
  }

  thread(threadId: Id): Thread | undefined {
    return this.threads.get(threadId)
  }

  queryOf(filter: Filter | null, sort: SortName | null = null): Query {
    return { filter, sort: SORTS[sort ?? this.sort], collapseThreads: this.#prefs().conversations }
  }

  /** The list that a route stands for; null while its folder is not known. */
  queryOfRoute(route: Route): Query | null {
    if (route.page === 'search') return this.queryOf(this.parseSearch(route.text))
    if (route.page !== 'list') return null
    if (route.folder === 'all') {
      const away = [this.withRole('trash'), this.withRole('junk')].flatMap((one) => one?.id ?? [])
      return this.queryOf(away.length ? { inMailboxOtherThan: away } : null)
    }
    if (route.folder === 'starred') return this.queryOf({ hasKeyword: '$flagged' })
    if (route.folder.startsWith('label:')) {
      return this.queryOf({ hasKeyword: route.folder.slice('label:'.length) })
    }
    const mailbox = this.ofFolder(route.folder)
    return mailbox ? this.queryOf({ inMailbox: mailbox.id }) : null
  }

  /** Puts a list on screen: at once what is known of it, then what is new. */
  show(query: Query): void {
    const key = queryKey(query)
    if (queryKey(this.#view.query) === key && this.#views.has(key)) return
    const known = this.#views.get(key)
    const view = known ?? this.#newView(query)
    this.#views.delete(key)
    this.#views.set(key, view)
    for (const old of this.#views.keys()) {
      if (this.#views.size <= MOST_VIEWS) break
      if (old !== key) this.#views.delete(old)
    }
    this.#view = view
    view.waiting = 0
    if (view === this.#brought) setTimeout(() => void this.catchUp(), FIRST_LOOK)
    else if (known && known.total !== null) void this.catchUp()
    else void this.#begin(view)
    this.#brought = null
  }

  async #begin(view: ListView): Promise<void> {
    const kept = await this.cache.list(view.query)
    if (kept && view.total === null) {
      for (const one of kept.emails) if (!this.emails.has(one.id)) this.emails.put(one)
      for (const one of kept.threads) if (!this.threads.has(one.id)) this.threads.put(one)
      view.restore(kept.ids, kept.total, kept.state)
      const within = (view.query.filter as { inMailbox?: Id } | null)?.inMailbox
      const gone = within ? this.later.goneFrom(within, kept.ids) : []
      if (gone.length) this.later.afterwards(view.hide(gone).settle)
      await view.refetch()
    } else {
      await view.ensure(0, view.lastVisible)
    }
  }

  #newView(query: Query): ListView {
    return new ListView(query, {
      page: (asked, place) => this.#page(asked, place),
      sentenceOf,
      sync: () => this.catchUp(),
      isMoving: () => this.isMoving,
    })
  }

  async #page(query: Query, place: Place): Promise<Page> {
    const page = await readPage(this.client, query, place)
    this.#take(page.emails, page.threads)
    this.states.Email ??= page.emailState
    return page
  }

  #take(emails: Email[], threads: Thread[]): void {
    for (const one of emails) this.emails.put(one)
    for (const one of threads) this.threads.put(one)
    const inUse = new Set(this.#view.known().slice(0, MOST_RECORDS / 2))
    this.emails.prune(MOST_RECORDS * 2, (id) => inUse.has(id))
    this.threads.prune(MOST_RECORDS, () => false)
  }

  /** The answers that the page itself brought. */
  takeFirst(first: FirstBatch): void {
    const answers = new Map(
      first.response.methodResponses
        .filter(([name]) => name !== 'error')
        .map(([, answer, id]) => [id, answer]),
    )
    const list = <T>(id: string) => (answers.get(id)?.list ?? []) as T[]
    const stateOf = (id: string) => (answers.get(id)?.state ?? null) as string | null
    this.setMailboxes(list<Mailbox>('mailboxes'), stateOf('mailboxes'))
    this.quotas = list<Quota>('quotas')
    this.#take([...list<Email>('emails'), ...list<Email>('members')], list<Thread>('threads'))
    this.states.Email = stateOf('emails') ?? this.states.Email
    const found = answers.get('list') as Page['answer'] | undefined
    if (!found || !first.query) return
    const view = this.#newView(first.query)
    view.take({ answer: found, emails: [], threads: [], emailState: '' })
    this.#views.set(queryKey(first.query), view)
    this.#brought = view
  }

  setMailboxes(mailboxes: Mailbox[], state: string | null): void {
    this.mailboxes = inOrder(mailboxes)
    this.states.Mailbox = state
  }

  /** Without what the page brought: mailboxes and quotas, from here or from the server. */
  async loadMailboxes(): Promise<void> {
    const mailboxes = this.client.call('Mailbox/get', { ids: null })
    const quotas = this.client.has('urn:ietf:params:jmap:quota')
      ? this.client.call('Quota/get', { ids: null })
      : null
    const got = await mailboxes
    this.setMailboxes(got.list, got.state)
    this.quotas = (await quotas)?.list ?? []
  }

  async load(ids: Id[]): Promise<void> {
    const missing = ids.filter((id) => {
      const email = this.emails.peek(id)
      return !email || (this.#prefs().conversations && !this.threads.has(email.threadId))
    })
    if (!missing.length) return
    const found = await readEmails(this.client, missing, this.#prefs().conversations)
    this.#take(found.emails, found.threads)
    for (const id of found.notFound) this.emails.delete(id)
  }

  async loadThread(threadId: Id): Promise<Thread | undefined> {
    const found = this.client.call('Thread/get', { ids: [threadId] })
    const thread = (await found).list[0]
    if (!thread) return undefined
    const missing = thread.emailIds.filter((id) => !this.emails.has(id))
    const read = await readEmails(this.client, missing, false)
    this.#take(read.emails, [thread])
    return thread
  }

  onChange(type: string, call: () => void): () => void {
    return subscribed(this.#changeCalls, type, call)
  }

  onEvent(name: string, call: (data: unknown) => void): () => void {
    return subscribed(this.#eventCalls, name, call)
  }

  /** Push calls these. */
  changed(type: string): void {
    for (const call of this.#changeCalls.get(type) ?? []) call()
  }

  happened(name: string, data: unknown): void {
    for (const call of this.#eventCalls.get(name) ?? []) call(data)
  }

  sync(): Promise<void> {
    return this.catchUp()
  }

  /** Other lists than the one on screen are read anew when they are shown again. */
  forgetOtherViews(): void {
    for (const [key, view] of this.#views) if (view !== this.#view) this.#views.delete(key)
  }

  async forget(): Promise<void> {
    const late = new Promise((done) => setTimeout(done, LAST_WRITES))
    await Promise.race([this.later.send().catch(() => undefined), late])
    await this.cache.forget()
  }

  /** What a warm start shows; called when nothing else is to do. */
  keep(): Promise<void> {
    return this.cache.keep(this)
  }
}

function subscribed<T>(calls: Map<string, Set<T>>, name: string, call: T): () => void {
  const set = calls.get(name) ?? new Set()
  calls.set(name, set.add(call))
  return () => set.delete(call)
}

/** What to tell a person of a failure. */
export function sentenceOf(error: unknown): string {
  if (error instanceof NetworkFailed) return t('mail.noAnswer')
  if (error instanceof CallFailed && error.type === 'serverFail') return t('mail.serverFailed')
  if (error instanceof CallFailed) return refusal({ description: error.message })
  return (error as Error).message
}
