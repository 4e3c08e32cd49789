// What this device keeps of letters until the server has them: the letters, their files, what
// waits to be sent, and the addresses that were seen.

import { deleteDB, openDB, type DBSchema, type IDBPDatabase } from 'idb'
import type { Entry } from '../outbox/entry.ts'
import type { Draft } from './draft.ts'
import type { KnownAddresses } from './suggest.ts'

interface Tables extends DBSchema {
  drafts: { key: string; value: Draft }
  files: { key: [string, string]; value: { draft: string; key: string; blob: Blob } }
  outbox: { key: string; value: Entry }
  addresses: { key: string; value: KnownAddresses }
}

/** Set while there is something here, so that the next start knows without opening anything. */
export const FLAG = 'pillarbox.kept'

let opened: Promise<IDBPDatabase<Tables>> | null = null
let account = ''

/** One database for each account: a browser may be shared. */
export function keepFor(accountId: string): void {
  if (account === accountId) return
  account = accountId
  opened = null
}

function base(): Promise<IDBPDatabase<Tables>> {
  opened ??= openDB<Tables>(`pillarbox-letters-${account}`, 1, {
    upgrade(db) {
      db.createObjectStore('drafts', { keyPath: 'key' })
      db.createObjectStore('files', { keyPath: ['draft', 'key'] })
      db.createObjectStore('outbox', { keyPath: 'key' })
      db.createObjectStore('addresses')
    },
    terminated: () => (opened = null),
    blocking: (_old, _new, event) => {
      ;(event.target as IDBDatabase).close()
      opened = null
    },
  })
  return opened
}

/** At sign-out; what is still being written then has no place to be kept in. */
export async function forgetAll(): Promise<void> {
  const db = await base()
  for (const name of db.objectStoreNames) await db.clear(name)
  db.close()
  opened = new Promise(() => undefined)
  await deleteDB(db.name)
  localStorage.removeItem(FLAG)
}

async function flag(): Promise<void> {
  const db = await base()
  const count = (await db.count('drafts')) + (await db.count('outbox'))
  if (count > 0) localStorage.setItem(FLAG, String(count))
  else localStorage.removeItem(FLAG)
}

export async function keepDraft(draft: Draft): Promise<void> {
  await (await base()).put('drafts', draft)
  localStorage.setItem(FLAG, '1')
}

export async function keptDraft(key: string): Promise<Draft | undefined> {
  return (await base()).get('drafts', key)
}

export async function keptDrafts(): Promise<Draft[]> {
  return (await base()).getAll('drafts')
}

/** The letter and its files are elsewhere, or not wanted. */
export async function forgetDraft(key: string): Promise<void> {
  const db = await base()
  await db.delete('drafts', key)
  await db.delete('files', IDBKeyRange.bound([key], [key, []]))
  await flag()
}

export async function keepFile(draft: string, key: string, blob: Blob): Promise<void> {
  await (await base()).put('files', { draft, key, blob })
}

export async function keptFile(draft: string, key: string): Promise<Blob | undefined> {
  return (await (await base()).get('files', [draft, key]))?.blob
}

export async function forgetFile(draft: string, key: string): Promise<void> {
  await (await base()).delete('files', [draft, key])
}

/** False where it is there already: whoever clicks twice sends once. */
export async function addEntry(entry: Entry): Promise<boolean> {
  const db = await base()
  const at = db.transaction('outbox', 'readwrite')
  const before = await at.store.getKey(entry.key)
  if (before === undefined) await at.store.put(entry)
  await at.done
  await flag()
  return before === undefined
}

export async function putEntry(entry: Entry): Promise<void> {
  await (await base()).put('outbox', entry)
}

export async function entryOf(key: string): Promise<Entry | undefined> {
  return (await base()).get('outbox', key)
}

export async function allEntries(): Promise<Entry[]> {
  return (await base()).getAll('outbox')
}

export async function dropEntry(key: string): Promise<void> {
  await (await base()).delete('outbox', key)
  await flag()
}

export async function knownAddresses(): Promise<KnownAddresses | undefined> {
  return (await base()).get('addresses', 'all')
}

export async function keepAddresses(known: KnownAddresses): Promise<void> {
  await (await base()).put('addresses', known, 'all')
}
