// What is kept on this device, so that a warm or offline start shows the list at once: the heads
// of lists with what their rows show, mailboxes and quotas. Never bodies of messages.

import { deleteDB, type IDBPDatabase, openDB } from 'idb'
import type { MailStore } from './mail.svelte.ts'
import { queryKey } from './reading.ts'
import type { Email, Id, JmapSession, Mailbox, Preferences, Query, Quota, Thread } from './types.ts'

const VERSION = 1
const HEAD = 200
const MOST_LISTS = 12

export interface KeptList {
  key: string
  at: number
  ids: Id[]
  total: number
  state: string
  emails: Email[]
  threads: Thread[]
}

export interface KeptAccount {
  session: JmapSession
  login: string
  name: string | null
  stays: boolean
  preferences: Partial<Preferences>
  mailboxes: Mailbox[]
  quotas: Quota[]
  at: number
}

function open(accountId: Id): Promise<IDBPDatabase> {
  return openDB(`pillarbox-${accountId}`, VERSION, {
    upgrade(db) {
      db.createObjectStore('lists', { keyPath: 'key' })
      db.createObjectStore('account')
    },
    // Another window signs out: what it deletes must not wait for this one.
    blocking: (_old, _new, event) => (event.target as IDBDatabase).close(),
  })
}

export class Cache {
  #db: Promise<IDBPDatabase> | null
  #accountId: Id
  #isResting = false

  constructor(accountId: Id) {
    this.#accountId = accountId
    this.#db = typeof indexedDB === 'undefined' ? null : open(accountId)
    this.#db?.catch(() => undefined)
  }

  /** Nothing where the browser lets nothing be kept: a cache may be missing. */
  async #attempt<T>(work: (db: IDBPDatabase) => Promise<T>): Promise<T | undefined> {
    try {
      return this.#db ? await work(await this.#db) : undefined
    } catch {
      return undefined
    }
  }

  list(query: Query): Promise<KeptList | undefined> {
    return this.#attempt((db) => db.get('lists', queryKey(query)))
  }

  account(): Promise<KeptAccount | undefined> {
    return this.#attempt((db) => db.get('account', 'me'))
  }

  async keepAccount(kept: KeptAccount): Promise<void> {
    if (!this.#db) return
    this.#isResting = false
    localStorage.setItem('pillarbox-account', this.#accountId)
    await this.#attempt((db) => db.put('account', kept, 'me'))
  }

  async keep(mail: MailStore): Promise<void> {
    const { view } = mail
    if (this.#isResting || view.state === null || view.total === null || view.isEmptied) return
    const ids: Id[] = []
    for (let at = 0; at < HEAD; at++) {
      const id = view.at(at)
      if (id === undefined) break
      ids.push(id)
    }
    const rows = ids.flatMap((id) => mail.emails.peek(id) ?? [])
    const threads = rows.flatMap((one) => mail.threads.peek(one.threadId) ?? [])
    const members = threads
      .flatMap((one) => one.emailIds.slice(-10))
      .flatMap((id) => mail.emails.peek(id) ?? [])
    const kept: KeptList = {
      key: queryKey(view.query),
      at: Date.now(),
      ids,
      total: view.total,
      state: view.state,
      emails: [...new Map([...rows, ...members].map((one) => [one.id, one])).values()],
      threads,
    }
    await this.#attempt(async (db) => {
      await db.put('lists', kept)
      const all = (await db.getAll('lists')) as KeptList[]
      all.sort((a, b) => b.at - a.at)
      for (const old of all.slice(MOST_LISTS)) await db.delete('lists', old.key)
    })
  }

  /** The session has ended: a start without a server shows nothing until the next one. */
  async rest(): Promise<void> {
    this.#isResting = true
    localStorage.removeItem('pillarbox-account')
    await this.#attempt((db) => Promise.all([db.clear('lists'), db.clear('account')]))
  }

  /** At sign-out; nothing is kept any more after it. */
  async forget(): Promise<void> {
    localStorage.removeItem('pillarbox-account')
    await this.#attempt(async (db) => {
      await db.clear('lists')
      await db.clear('account')
      this.#db = null
      db.close()
      await deleteDB(db.name)
    })
    this.#db = null
  }

  /** The account that used this device last, for a start without a server. */
  static async last(): Promise<KeptAccount | undefined> {
    const accountId = localStorage.getItem('pillarbox-account')
    return accountId ? new Cache(accountId).account() : undefined
  }
}
