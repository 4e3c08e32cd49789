// How the app reads lists: one batch gives a page of rows and the conversations behind them.

import type { JmapClient } from '../jmap/client.ts'
import { CallFailed } from '../jmap/errors.ts'
import type { QueryAnswer } from '../jmap/methods.ts'
import { type Email, type Id, LIST_PROPERTIES, type Query, type Thread } from './types.ts'

export interface Page {
  answer: QueryAnswer
  emails: Email[]
  threads: Thread[]
  emailState: string
}

export interface Place {
  position?: number
  anchor?: Id
  anchorOffset?: number
  limit: number
}

const properties = LIST_PROPERTIES
const MOST_IDS = 5000

/** A page of a list, with what its rows show. */
export async function readPage(client: JmapClient, query: Query, place: Place): Promise<Page> {
  const asked = client.call('Email/query', { ...query, ...place, calculateTotal: true })
  const rows = client.call('Email/get', { '#ids': asked.ref('/ids'), properties })
  if (!query.collapseThreads) {
    const [answer, got] = await Promise.all([asked.answer, rows.answer])
    return { answer, emails: got.list, threads: [], emailState: got.state }
  }
  const threads = client.call('Thread/get', { '#ids': rows.ref('/list/*/threadId') })
  const others = client.call('Email/get', { '#ids': threads.ref('/list/*/emailIds'), properties })
  const [answer, got, found] = await Promise.all([asked.answer, rows.answer, threads.answer])
  const members = await orTooMany(others.answer.then((one) => one.list))
  return { answer, emails: [...got.list, ...members], threads: found.list, emailState: got.state }
}

/** Messages and their conversations, in portions that the server takes. */
export async function readEmails(
  client: JmapClient,
  ids: Id[],
  withThreads: boolean,
): Promise<{ emails: Email[]; threads: Thread[]; notFound: Id[] }> {
  const emails: Email[] = []
  const threads: Thread[] = []
  const notFound: Id[] = []
  const portion = client.limit('maxObjectsInGet')
  for (let at = 0; at < ids.length; at += portion) {
    const rows = client.call('Email/get', { ids: ids.slice(at, at + portion), properties })
    if (withThreads) {
      const found = client.call('Thread/get', { '#ids': rows.ref('/list/*/threadId') })
      const others = client.call('Email/get', { '#ids': found.ref('/list/*/emailIds'), properties })
      threads.push(...(await found).list)
      emails.push(...(await orTooMany(others.answer.then((one) => one.list))))
    }
    const got = await rows
    emails.push(...got.list)
    notFound.push(...got.notFound)
  }
  return { emails, threads, notFound }
}

/** Conversations of thousands are shown by what is known of them. */
async function orTooMany(answer: Promise<Email[]>): Promise<Email[]> {
  try {
    return await answer
  } catch (error) {
    if (error instanceof CallFailed) return []
    throw error
  }
}

/** Ids of rows, which themselves are not read; for ranges of thousands. */
export async function idsBetween(
  client: JmapClient,
  query: Query,
  start: number,
  end: number,
): Promise<Id[]> {
  const found: Id[] = []
  for (let position = start; position < end; position = start + found.length) {
    const limit = Math.min(MOST_IDS, end - position)
    const { ids } = await client.call('Email/query', { ...query, position, limit })
    if (!ids.length) break
    found.push(...ids)
  }
  return found
}

/** Which of these do not exist (any more). */
export async function missing(client: JmapClient, ids: Id[]): Promise<Id[]> {
  const portion = client.limit('maxObjectsInGet')
  const gone: Id[] = []
  for (let at = 0; at < ids.length; at += portion) {
    const asked = client.call('Email/get', { ids: ids.slice(at, at + portion), properties: ['id'] })
    gone.push(...(await asked.answer).notFound)
  }
  return gone
}

/** Rows that were not in a list when it was in that state. */
export async function rowsSince(client: JmapClient, query: Query, state: string): Promise<Id[]> {
  const asked = client.call('Email/queryChanges', { ...query, sinceQueryState: state })
  const { added, removed } = await asked.answer
  return newRows(added, removed)
}

/** Of what was added to a list: what did not only change its place. */
export function newRows(added: { id: Id }[], removed: Id[]): Id[] {
  const moved = new Set(removed)
  return added.map((one) => one.id).filter((id) => !moved.has(id))
}

/** Two queries are the same list. */
export function queryKey(query: Query): string {
  return JSON.stringify([query.filter, query.sort, query.collapseThreads])
}
