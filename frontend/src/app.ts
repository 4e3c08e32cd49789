// The contract between the parts: everything that a part needs of the others hangs on `app`.
// `main.ts` builds it before anything is shown; tests set one of their own with `setApp`.

import type { JmapClient } from './jmap/client.ts'
import type { Key, Vars } from './i18n/t.ts'
import type {
  BulkAction,
  BulkOperation,
  Email,
  Filter,
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
  Selection,
  SortName,
  Thread,
} from './data/types.ts'

/** One list of messages of any length, of which the parts that were looked at are known. */
export interface QueryView {
  readonly query: Query
  /** Reactive; null until the first answer. */
  readonly total: number | null
  /** Grows with every change of what is in the list, so that lists can depend on it. */
  readonly version: number
  /** Why the list could not be read; null while it can. */
  readonly failure: string | null
  /** The server's state at the last answer. */
  readonly state: string | null
  at(index: number): Id | undefined
  /** Among what is known; -1 otherwise. */
  indexOf(id: Id): number
  /** Read what is missing between two rows; the end is not included. */
  ensure(start: number, end: number): Promise<void>
  /** The next (+1) or previous (-1) message, read if it is not known. */
  neighbour(id: Id, step: 1 | -1): Promise<Id | undefined>
  /** Everything known, in order: for 'all shown are selected'. */
  known(): Id[]
  /** New messages that wait for the list to come to rest (web.md §2.8). */
  readonly waiting: number
  showWaiting(): void
  retry(): void
  /** Only what is missing in a list that is there. */
  again(): void
}

export interface Mail {
  readonly accountId: Id
  readonly session: JmapSession
  /** Reactive, in the order of the sidebar. */
  readonly mailboxes: Mailbox[]
  readonly quotas: Quota[]
  mailbox(id: Id): Mailbox | undefined
  withRole(role: Role): Mailbox | undefined
  /** The mailbox that a route's folder stands for, if it is one. */
  ofFolder(folder: string): Mailbox | undefined
  /** Null while its folder is not known, or where there is no such folder. */
  queryOfRoute(route: Route): Query | null
  /** The list on screen; reactive. */
  readonly view: QueryView
  /** Shows a search: READER turns text into a filter; `sort` null takes the chosen one. */
  queryOf(filter: Filter | null, sort?: SortName | null): Query
  setSort(sort: SortName): void
  readonly sort: SortName
  /** How a search's text becomes a filter; READER sets it, before that words are `text`. */
  parseSearch: (text: string) => Filter
  /** Reactive: undefined until it is known. */
  email(id: Id): Email | undefined
  thread(threadId: Id): Thread | undefined
  /** Reads messages that are not known yet, and their conversations. */
  load(ids: Id[]): Promise<void>
  loadThread(threadId: Id): Promise<Thread | undefined>
  /** The labels: those of the preferences. */
  readonly labels: Label[]
  /** Called after the server told of a change of that type ('BulkOperation', 'Identity', …). */
  onChange(type: string, call: () => void): () => void
  /** An event of the push stream other than state and ping, like 'bulk'. */
  onEvent(name: string, call: (data: unknown) => void): () => void
  /** Nothing of it stays on this device. */
  forget(): Promise<void>
  /** Ask now what has changed. */
  sync(): Promise<void>
  readonly push: PushStatus
  /** The server told of changes that could not be read yet. */
  readonly isBehind: boolean
  /** When the server last told anything; milliseconds. */
  readonly heardAt: number
}

/** What an action is done to: rows of the list (with their conversations), or the selection. */
export type Target = Id | Iterable<Id> | Selection

/**
 * Each writes optimistically, tells what it did in a toast with Undo, and rolls back with another
 * when the server refuses. A row stands for its conversation's messages in the same folder.
 * Above 500 messages, and for mode 'all', the server does it as a BulkOperation.
 */
export interface Act {
  move(target: Target, mailboxId: Id): Promise<void>
  archive(target: Target): Promise<void>
  /** To the Trash; from there for ever (the caller has asked for confirmation). */
  remove(target: Target): Promise<void>
  junk(target: Target, isJunk: boolean): Promise<void>
  destroy(target: Target): Promise<void>
  keyword(target: Target, keyword: string, on: boolean, quiet?: boolean): Promise<void>
  read(target: Target, isRead: boolean, quiet?: boolean): Promise<void>
  star(target: Target, isStarred: boolean): Promise<void>
  label(target: Target, keyword: string, on: boolean): Promise<void>
  /** How many messages an action would be done to; a row may be a conversation. */
  count(target: Target): Promise<number>
  /** Begin an operation of the server over a filter; its id. */
  bulk(
    action: BulkAction,
    of: { filter: Filter | null; exceptIds?: Id[]; upToState?: string | null },
  ): Promise<Id>
  /** Operations known, newest first; reactive. READER shows them. */
  readonly operations: BulkOperation[]
  loadOperations(): Promise<void>
  updateOperation(id: Id, change: { status?: 'cancelling' | 'running'; undo?: true }): Promise<void>
  /** Take back the last action that can be taken back (z, Ctrl+Z). */
  undo(): Promise<void>
  readonly canUndo: boolean
}

export interface SelectionStore {
  /** Reactive. */
  readonly now: Selection
  readonly count: number
  has(id: Id): boolean
  toggle(id: Id): void
  /** Everything from the last toggled row to this one; reads ids that are not known. */
  rangeTo(id: Id): Promise<void>
  setMany(ids: Iterable<Id>, on: boolean): void
  /** The rows that are known (header checkbox, *a). */
  all(): void
  /** Every message of the query, also those that were never read. */
  allMatching(): void
  /** Tells of it with Undo above 20 messages, unless `quiet`. */
  none(quiet?: boolean): void
  /** A range goes on from here. */
  anchor(id: Id): void
  /** For 'Selection cleared – Undo'. */
  restore(selection: Selection): void
  /** The same by a key, while that can still be read; false where there is nothing. */
  takeBack(): boolean
  readonly active: boolean
}

export interface ToastOptions {
  action?: { label: string; run: () => void | Promise<void> }
  seconds?: number
  kind?: 'plain' | 'success' | 'danger'
  /** A toast with the same key takes the place of the one before. */
  key?: string
}

export interface Toast {
  update(text: string, options?: ToastOptions): void
  close(): void
}

export interface ComposeRequest {
  /** Of which message; null for a new one. */
  emailId?: Id | null
  mode?: 'new' | 'reply' | 'replyAll' | 'forward' | 'draft'
  /** mailto: and the like. */
  to?: string
  cc?: string
  subject?: string
  body?: string
}

export interface App {
  readonly client: JmapClient
  readonly login: string
  readonly name: string | null
  /** What was chosen on signing in: the session outlives the browser's window. */
  readonly stays: boolean
  readonly mail: Mail
  readonly act: Act
  readonly selection: SelectionStore
  /** Reactive. */
  readonly route: Route
  go(route: Route, options?: { replace?: boolean }): void
  /** To the list of the same folder or search, from an open message. */
  back(): void
  urlOf(route: Route): string
  toast(text: string, options?: ToastOptions): Toast
  /** Says it in the polite live region, unseen. */
  announce(text: string): void
  t(key: Key, vars?: Vars): string
  /** Reactive; assigning saves. */
  readonly prefs: Preferences
  setPrefs(changed: Partial<Preferences>): void
  /** Opens a composer (COMPOSE's); its code is loaded by then. */
  compose(request?: ComposeRequest): void
  /** The JSON API below /account/; throws ApiError with the sentence of the problem. */
  api<T = unknown>(method: string, path: string, body?: unknown): Promise<T>
  /** Asks for the password again where `api` answered 403 with reason confirm. Built in. */
  confirmIdentity(): Promise<boolean>
  /** Asks a question in a dialog; `hold`: the sure button has to be held for so many seconds. */
  confirm(question: {
    title: string
    text: string
    yes: string
    danger?: boolean
    hold?: number
    /** To be typed instead of holding. */
    type?: number
  }): Promise<boolean>
  /** What keys do: READER registers here; the shell calls nothing by itself. */
  readonly layout: 'one' | 'two' | 'three'
}

export let app: App

/** Called once by main.ts, and by tests. */
export function setApp(made: App): void {
  app = made
}
