import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { JmapClient } from '../jmap/client.ts'
import { Actions } from './act.svelte.ts'
import { MailStore } from './mail.svelte.ts'
import { Sync } from './sync.ts'
import { type App, setApp } from '../app.ts'
import type { JmapSession, Preferences } from './types.ts'

const SESSION: JmapSession = {
  capabilities: { 'urn:ietf:params:jmap:core': {}, 'urn:ietf:params:jmap:quota': {} },
  accounts: { A1: { name: 'alice@example.org', accountCapabilities: {} } },
  primaryAccounts: { 'urn:ietf:params:jmap:mail': 'A1' },
  username: 'alice@example.org',
  apiUrl: '/jmap/api',
  downloadUrl: '',
  uploadUrl: '',
  eventSourceUrl: '',
  state: 's1',
}
const INBOX = { id: 'F1', name: 'Inbox', role: 'inbox', parentId: null }
const QUERY = { filter: { inMailbox: 'F1' }, sort: [], collapseThreads: false }
const TOTAL = 50_000
const EVERY = 250 // ms between two words of the stream

/** What a method answers: there is always more than was told. */
function answerTo(name: string): Record<string, unknown> {
  const none = { list: [], state: 's', created: [], updated: [], destroyed: [], notFound: [] }
  if (name === 'Email/query') return { ids: ['M1'], total: TOTAL, position: 0, queryState: 'q' }
  if (name === 'Email/get') return { ...none, list: [{ id: 'M1', threadId: 'T1', mailboxIds: {}, keywords: {} }] }
  if (name === 'Email/changes') return { ...none, newState: 's', hasMoreChanges: true }
  if (name === 'Mailbox/changes') return { ...none, newState: 's', hasMoreChanges: false }
  if (name === 'Mailbox/get') return { ...none, list: [INBOX] }
  if (name === 'BulkOperation/set') return { created: { new0: { id: 'O1', total: TOTAL } } }
  return none
}

/** The mail of a page, and the methods of each request that it makes. */
async function page() {
  const requests: string[] = []
  const client = new JmapClient({
    session: SESSION,
    csrf: 'token',
    signIn: async () => 'token',
    foreign: () => new Promise<never>(() => undefined),
    fetch: async (_path, init) => {
      const calls = JSON.parse(String(init?.body)).methodCalls as [string, object, string][]
      requests.push([...new Set(calls.map(([name]) => name))].join(' '))
      return new Response(JSON.stringify({ methodResponses: calls.map(([name, , id]) => [name, answerTo(name), id]) }))
    },
  })
  const prefs = { sort: 'newest', conversations: false, labels: [] } as unknown as Preferences
  const mail = new MailStore(client, () => prefs, () => undefined)
  const sync = new Sync(mail)
  const act = new Actions(client, mail, sync)
  setApp({ t: (key: string) => key, toast: () => undefined, selection: { none: () => undefined } } as unknown as App)
  await mail.loadMailboxes()
  mail.show(QUERY as never)
  await vi.advanceTimersByTimeAsync(2000)
  requests.length = 0
  const stream = (done: number, status = 'running') => {
    mail.happened('bulk', [{ id: 'O1', action: { type: 'move' }, status, total: TOTAL, done }])
    mail.changed('BulkOperation')
    sync.told(false)
  }
  const all = { mode: 'all', query: QUERY, exclude: new Set<string>(), total: TOTAL, upToState: 's' }
  const begin = () => act.move(all as never, 'F5')
  return { requests, stream, begin, mail, act }
}

describe('an operation on thousands', () => {
  beforeEach(() => vi.useFakeTimers())
  afterEach(() => vi.useRealTimers())

  it.each([7, 58])('takes three requests where it is done in %i seconds', async (seconds) => {
    const { requests, stream, begin, mail } = await page()
    await begin()
    const words = (seconds * 1000) / EVERY
    for (let n = 1; n < words; n++) {
      stream((n / words) * TOTAL)
      await vi.advanceTimersByTimeAsync(EVERY)
      expect(mail.view.total).toBe(0) // what goes is not shown again meanwhile
    }
    stream(TOTAL, 'done')
    await vi.advanceTimersByTimeAsync(60_000)
    const meanwhile = seconds > 30 ? ['Mailbox/changes Mailbox/get Quota/get'] : []
    const atTheEnd = 'Email/get Mailbox/get Quota/get Email/query'
    expect(requests.map((one) => one.split(' ').sort())).toEqual(
      ['BulkOperation/set', ...meanwhile, atTheEnd].map((one) => one.split(' ').sort()),
    )
  })

  it('of another window is seen to go on, a few requests a second', async () => {
    const { requests, stream } = await page()
    stream(0)
    await vi.advanceTimersByTimeAsync(1)
    requests.length = 0
    for (let n = 1; n <= 40; n++) {
      stream(n)
      await vi.advanceTimersByTimeAsync(EVERY)
    }
    expect(requests.length).toBeGreaterThanOrEqual(10)
    expect(requests.length).toBeLessThanOrEqual(40)
  })

  it('is asked for where the stream is silent, less and less often', async () => {
    const { requests, stream, begin } = await page()
    await begin()
    stream(1)
    for (const [wait, times] of [[4900, 0], [200, 1], [10_100, 2], [20_100, 3], [20_100, 4]] as const) {
      await vi.advanceTimersByTimeAsync(wait)
      expect(requests.filter((one) => one === 'BulkOperation/get')).toHaveLength(times)
    }
    stream(2)
    await vi.advanceTimersByTimeAsync(5100)
    expect(requests.filter((one) => one === 'BulkOperation/get')).toHaveLength(5)
    stream(TOTAL, 'done')
    await vi.advanceTimersByTimeAsync(60_000)
    expect(requests.filter((one) => one === 'BulkOperation/get')).toHaveLength(5)
  })
})
