import { beforeEach, describe, expect, it } from 'vitest'
import type { JmapClient } from '../jmap/client.ts'
import { NetworkFailed } from '../jmap/errors.ts'
import { LaterWrites } from './later.ts'
import { Records } from './records.svelte.ts'
import type { Email } from './types.ts'

type Update = Record<string, Record<string, true | null>>

/** A server that can be away, and refuses what it is told to. */
class Server {
  isAway = true
  refused: Record<string, { type: string }> = {}
  got: Update[] = []
  accountId = 'a1'
  limit = () => 2
  call = async (_name: string, { update }: { update: Update }) => {
    if (this.isAway) throw new NetworkFailed('away')
    this.got.push(update)
    return { notUpdated: Object.fromEntries(Object.entries(this.refused).filter(([id]) => id in update)) }
  }
}

const email = (id: string) => ({ id, keywords: {}, mailboxIds: { F1: true } }) as unknown as Email

function fresh(server: Server) {
  const emails = new Records<Email>()
  for (const id of ['M1', 'M2', 'M3']) emails.put(email(id))
  return { emails, later: new LaterWrites(server as unknown as JmapClient, emails) }
}

describe('changes without a connection', () => {
  beforeEach(() => localStorage.clear())

  it('are seen at once, and after a reload', () => {
    const server = new Server()
    fresh(server).later.add(new Map([['M1', { 'keywords/$seen': true }]]))
    const { emails, later } = fresh(server)
    expect([emails.peek('M1')?.keywords, later.isEmpty]).toEqual([{ $seen: true }, false])
  })

  it('go in portions when the server is back, the last word for each message', async () => {
    const server = new Server()
    const { emails, later } = fresh(server)
    later.add(new Map([['M1', { 'keywords/$seen': true }], ['M2', { 'keywords/$seen': true }]]))
    later.add(new Map([['M1', { 'keywords/$seen': null, 'mailboxIds/F1': null, 'mailboxIds/F2': true }]]))
    later.add(new Map([['M3', { 'keywords/$flagged': true }]]))
    let calls = 0
    later.afterwards(() => calls++)
    expect([await later.send(), later.isEmpty, calls]).toEqual([[], false, 0])
    server.isAway = false
    expect(await later.send()).toEqual([])
    expect(server.got).toEqual([
      {
        M1: { 'keywords/$seen': null, 'mailboxIds/F1': null, 'mailboxIds/F2': true },
        M2: { 'keywords/$seen': true },
      },
      { M3: { 'keywords/$flagged': true } },
    ])
    expect([later.isEmpty, calls, emails.peek('M1')?.mailboxIds]).toEqual([true, 1, { F2: true }])
  })

  it('tell what was refused, and do not try it for ever', async () => {
    const server = new Server()
    server.isAway = false
    server.refused = { M2: { type: 'notFound' } }
    const { later } = fresh(server)
    later.add(new Map([['M2', { 'keywords/$seen': true }]]))
    expect([await later.send(), later.isEmpty]).toEqual([[{ id: 'M2', error: { type: 'notFound' } }], true])
  })

  it('say which rows have left a folder', () => {
    const { later } = fresh(new Server())
    later.add(new Map([['M1', { 'mailboxIds/F1': null, 'mailboxIds/F2': true }]]))
    expect(later.goneFrom('F1', ['M1', 'M2'])).toEqual(['M1'])
  })
})
