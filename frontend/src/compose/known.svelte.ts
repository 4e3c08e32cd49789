// The addresses to suggest: read from letters now and then, kept on this device.

import { app } from '../app.ts'
import { keepAddresses, knownAddresses } from './keep.ts'
import { gather, type Addressed, type Known } from './suggest.ts'

const FRESH_MS = 3_600_000
const SENT_LETTERS = 500
const SEEN_LETTERS = 500

class KnownPeople {
  list: Known[] = $state.raw([])
  private readAt = 0
  private running = false

  /** Called with every new composer; asks the server at most once an hour. */
  async refresh(): Promise<void> {
    if (this.running) return
    this.running = true
    try {
      if (this.readAt === 0) {
        const kept = await knownAddresses()
        this.list = kept?.list ?? []
        this.readAt = kept?.readAt ?? 0
      }
      if (Date.now() - this.readAt < FRESH_MS) return
      const [sent, seen] = await Promise.all([
        letters('sent', ['to', 'cc', 'receivedAt'], SENT_LETTERS),
        letters('inbox', ['from', 'receivedAt'], SEEN_LETTERS),
      ])
      this.list = gather(sent, seen)
      this.readAt = Date.now()
      await keepAddresses({ readAt: this.readAt, list: $state.snapshot(this.list) as Known[] })
    } catch {
      // Without suggestions one can still write; the next composer tries again.
    } finally {
      this.running = false
    }
  }

  /** At once, what the server would only tell in an hour. */
  add(people: readonly { name: string | null; email: string }[]): void {
    const letter: Addressed = { to: [...people], receivedAt: new Date().toISOString() }
    const fresh = gather([letter], [])
    const keys = new Set(fresh.map((one) => one.email.toLowerCase()))
    this.list = [...fresh, ...this.list.filter((one) => !keys.has(one.email.toLowerCase()))]
  }
}

async function letters(
  role: 'sent' | 'inbox',
  properties: string[],
  limit: number,
): Promise<Addressed[]> {
  const mailbox = app.mail.withRole(role)
  if (!mailbox) return []
  const query = app.client.call<{ ids: string[] }>('Email/query', {
    filter: { inMailbox: mailbox.id },
    sort: [{ property: 'receivedAt', isAscending: false }],
    limit,
  })
  const got = app.client.call<{ list: Addressed[] }>('Email/get', {
    '#ids': query.ref('/ids'),
    properties,
  })
  return (await got).list
}

export const known = new KnownPeople()
