// Arguments and answers of the methods that the app uses most; others are called untyped.

import type {
  BulkOperation,
  Comparator,
  Email,
  Filter,
  Id,
  Mailbox,
  Quota,
  Thread,
} from '../data/types.ts'
import type { ResultReference } from './client.ts'

interface Got<T> {
  accountId: Id
  state: string
  list: T[]
  notFound: Id[]
}

interface Changed {
  oldState: string
  newState: string
  hasMoreChanges: boolean
  created: Id[]
  updated: Id[]
  destroyed: Id[]
}

export interface SetError {
  type: string
  description?: string | null
  properties?: string[]
  existingId?: Id
}

export interface SetAnswer<T = { id: Id }> {
  oldState: string | null
  newState: string
  created?: Record<string, T & { id: Id }> | null
  updated?: Record<Id, Partial<T> | null> | null
  destroyed?: Id[] | null
  notCreated?: Record<string, SetError> | null
  notUpdated?: Record<Id, SetError> | null
  notDestroyed?: Record<Id, SetError> | null
}

export interface QueryAnswer {
  queryState: string
  canCalculateChanges: boolean
  position: number
  ids: Id[]
  total?: number
}

export interface QueryChangesAnswer {
  oldQueryState: string
  newQueryState: string
  total?: number
  removed: Id[]
  added: { id: Id; index: number }[]
}

export interface Answers {
  'Email/get': Got<Email>
  'Email/changes': Changed
  'Email/query': QueryAnswer
  'Email/queryChanges': QueryChangesAnswer
  'Email/set': SetAnswer<Email>
  'Mailbox/get': Got<Mailbox>
  'Mailbox/changes': Changed & { updatedProperties: string[] | null }
  'Mailbox/set': SetAnswer<Mailbox>
  'Thread/get': Got<Thread>
  'Quota/get': Got<Quota>
  'BulkOperation/get': Got<BulkOperation>
  'BulkOperation/set': SetAnswer<BulkOperation>
  'BulkOperation/query': QueryAnswer
}

interface Get {
  ids?: Id[] | null
  '#ids'?: ResultReference
  properties?: readonly string[] | null
  '#properties'?: ResultReference
  [more: string]: unknown
}

interface Changes {
  sinceState: string
  maxChanges?: number
}

interface Ask {
  filter?: Filter | null
  sort?: Comparator[] | null
  position?: number
  anchor?: Id
  anchorOffset?: number
  limit?: number
  calculateTotal?: boolean
  collapseThreads?: boolean
}

interface AskChanges {
  filter?: Filter | null
  sort?: Comparator[] | null
  sinceQueryState: string
  maxChanges?: number
  upToId?: Id
  calculateTotal?: boolean
  collapseThreads?: boolean
}

interface Set {
  create?: Record<string, unknown>
  update?: Record<Id, unknown>
  destroy?: Id[]
  ifInState?: string
  [more: string]: unknown
}

type Kind<Name extends string> = Name extends `${string}/get`
  ? Get
  : Name extends `${string}/changes`
    ? Changes
    : Name extends `${string}/query`
      ? Ask
      : Name extends `${string}/queryChanges`
        ? AskChanges
        : Set

export type Arguments<Name extends keyof Answers> = Kind<Name>
