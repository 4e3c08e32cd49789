// The shapes that the parts of the app share. JMAP objects are as in RFC 8620, RFC 8621 and
// RFC 9425; only what the app uses is named.

export type Id = string
export type UtcDate = string

export interface Address {
  name: string | null
  email: string
}

/** What the list knows of a message (RFC 8621 §4.1): columns only, cheap at the server. */
export interface Email {
  id: Id
  blobId: Id
  threadId: Id
  mailboxIds: Record<Id, true>
  keywords: Record<string, true>
  size: number
  receivedAt: UtcDate
  subject: string | null
  from: Address[] | null
  to: Address[] | null
  hasAttachment: boolean
  preview: string
}

/** The properties of `Email`, as asked for. The page's first batch uses the same. */
export const LIST_PROPERTIES = [
  'id',
  'blobId',
  'threadId',
  'mailboxIds',
  'keywords',
  'size',
  'receivedAt',
  'subject',
  'from',
  'to',
  'hasAttachment',
  'preview',
] as const

export type Role =
  | 'inbox'
  | 'drafts'
  | 'sent'
  | 'trash'
  | 'junk'
  | 'archive'
  | 'all'
  | 'flagged'
  | 'important'

export interface Mailbox {
  id: Id
  name: string
  parentId: Id | null
  role: Role | null
  sortOrder: number
  totalEmails: number
  unreadEmails: number
  totalThreads: number
  unreadThreads: number
  myRights: Record<string, boolean>
  isSubscribed: boolean
}

export interface Thread {
  id: Id
  emailIds: Id[]
}

export interface Quota {
  id: Id
  resourceType: 'octets' | 'count'
  used: number
  hardLimit: number
  warnLimit: number | null
  name: string
}

export type FilterCondition = Record<string, unknown>
export type Filter =
  | FilterCondition
  | { operator: 'AND' | 'OR' | 'NOT'; conditions: Filter[] }
export interface Comparator {
  property: string
  isAscending?: boolean
  keyword?: string
}

/** A list of messages: what it is, not what is in it. */
export interface Query {
  filter: Filter | null
  sort: Comparator[]
  collapseThreads: boolean
}

export type SortName = 'newest' | 'oldest' | 'from' | 'subject' | 'largest' | 'unread' | 'flagged'

/** The session resource (RFC 8620 §2), the parts in use. */
export interface JmapSession {
  capabilities: Record<string, Record<string, unknown>>
  accounts: Record<Id, { name: string; accountCapabilities: Record<string, unknown> }>
  primaryAccounts: Record<string, Id>
  username: string
  apiUrl: string
  downloadUrl: string
  uploadUrl: string
  eventSourceUrl: string
  state: string
}

/** What the shell carries in <script id="session">. */
export interface Boot {
  session: JmapSession
  csrf: string
  login: string
  name: string | null
  /** The session outlives the browser's window. */
  stays: boolean
  preferences: Partial<Preferences>
}

/** What the shell carries in <script id="first">: the answers to the calls of the first list. */
export interface FirstBatch {
  query: Query
  response: { methodResponses: [string, Record<string, unknown>, string][]; sessionState: string }
}

/** Kept by the server for the app at /account/preferences. Others add their own keys here. */
export interface Preferences {
  theme: 'system' | 'light' | 'dark'
  density: 'compact' | 'comfortable' | 'roomy'
  language: string | null
  conversations: boolean
  previews: boolean
  readingPane: boolean
  textSize: number
  shortcuts: boolean
  markReadSeconds: number
  afterRemoval: 'next' | 'previous' | 'list'
  sort: SortName
  undoSeconds: number
  imagesAllowedFrom: string[]
  darkenedSenders: string[]
  labels: Label[]
  savedSearches: SavedSearch[]
  sidebarWidth: number
  listWidth: number
  checklistDismissed: string | null
  [other: string]: unknown
}

export interface Label {
  keyword: string
  name: string
  color: string
}

export interface SavedSearch {
  id: string
  name: string
  text: string
}

// ── selection (web.md §2.1) ─────────────────────────────────────────────────

/** Never row indexes. In 'all' mode: every message of the query but those excluded. */
export type Selection =
  | { mode: 'none' }
  | { mode: 'some'; ids: ReadonlySet<Id> }
  | { mode: 'all'; query: Query; exclude: ReadonlySet<Id>; total: number; upToState: string }

// ── bulk operations (web.md §2.2) ───────────────────────────────────────────

export type BulkAction =
  | { type: 'move'; toMailboxId: Id; thenDestroyMailboxIds?: Id[] }
  | { type: 'destroy' }
  | { type: 'setKeywords' | 'unsetKeywords'; keywords: Record<string, true> }
  | { type: 'addMailbox' | 'removeMailbox'; mailboxId: Id }
  | { type: 'restore' }
  | { type: 'removeAttachments' }

export type BulkStatus =
  | 'queued'
  | 'running'
  | 'done'
  | 'doneWithProblems'
  | 'cancelling'
  | 'cancelled'
  | 'failed'

export interface BulkOperation {
  id: Id
  action: BulkAction
  status: BulkStatus
  total: number
  done: number
  failed: number
  failures: { id: Id; type: string; description: string | null }[]
  /** Why it failed as a whole, or what of it could not be done. */
  description?: string | null
  createdAt: UtcDate
  startedAt: UtcDate | null
  finishedAt: UtcDate | null
  etaSeconds: number | null
  cancellable: boolean
  undoUntil: UtcDate | null
  undoOf: Id | null
  summary?: Record<string, unknown>
}

// ── places ──────────────────────────────────────────────────────────────────

/** Where one is. `folder` is a role, a mailbox id, 'label:KEYWORD' or 'all'. */
export type Route =
  | { page: 'list'; folder: string; email?: Id | undefined }
  | { page: 'search'; text: string; email?: Id | undefined }
  | { page: 'settings'; section: string }
  | { page: 'activity' }

export type PushStatus = 'live' | 'reconnecting' | 'offline'
