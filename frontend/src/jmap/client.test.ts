import { describe, expect, it, vi } from 'vitest'
import type { JmapSession } from '../data/types.ts'
import { grouped, JmapClient } from './client.ts'
import { CallFailed, NetworkFailed, RequestFailed } from './errors.ts'

const SESSION: JmapSession = {
  capabilities: {
    'urn:ietf:params:jmap:core': { maxCallsInRequest: 4, maxObjectsInGet: 500 },
    'urn:ietf:params:jmap:mail': {},
  },
  accounts: { A1: { name: 'alice@example.org', accountCapabilities: {} } },
  primaryAccounts: { 'urn:ietf:params:jmap:mail': 'A1' },
  username: 'alice@example.org',
  apiUrl: 'https://mail.example.org:8443/jmap/api',
  downloadUrl: 'https://mail.example.org/jmap/download/{accountId}/{blobId}/{name}?type={type}',
  uploadUrl: 'https://mail.example.org/jmap/upload/{accountId}/',
  eventSourceUrl: 'https://mail.example.org/e?types={types}&closeafter={closeafter}&ping={ping}',
  state: 's1',
}

type Sent = { path: string; token: string | null; calls: [string, Record<string, unknown>, string][] }

/** A server whose answers are those of `answer`, and what it was asked. */
function serverOf(answer: (sent: Sent, n: number) => Response | Promise<Response>, csrf = 'token') {
  const requests: Sent[] = []
  const waits: number[] = []
  const signIn = vi.fn(async () => 'new token')
  const foreign = vi.fn(() => new Promise<never>(() => undefined))
  const client = new JmapClient({
    session: SESSION,
    csrf,
    signIn,
    foreign,
    wait: async (milliseconds) => void waits.push(milliseconds),
    fetch: async (path, init) => {
      const body = init?.body ? JSON.parse(String(init.body)) : {}
      const token = new Headers(init?.headers).get('X-Csrf-Token')
      const sent = { path: String(path), token, calls: body.methodCalls ?? [] }
      requests.push(sent)
      init?.signal?.throwIfAborted()
      return answer(sent, requests.length)
    },
  })
  return { client, requests, waits, signIn, foreign }
}

const json = (value: unknown, status = 200) => new Response(JSON.stringify(value), { status })
const echo = (sent: Sent) =>
  json({ methodResponses: sent.calls.map(([name, args, id]) => [name, { ...args, id }, id]) })

describe('calls', () => {
  it('of one moment travel together, in their order', async () => {
    const { client, requests } = serverOf(echo)
    await Promise.all([
      client.call('Mailbox/get', { ids: null }),
      client.call('Quota/get', { ids: null }),
    ])
    expect(requests).toHaveLength(1)
    expect(requests[0]?.calls.map(([name]) => name)).toEqual(['Mailbox/get', 'Quota/get'])
    expect(requests[0]?.calls[0]?.[1]).toEqual({ accountId: 'A1', ids: null })
    expect(requests[0]?.token).toBe('token')
    expect(requests[0]?.path).toBe('/jmap/api')
  })

  it('of two moments do not', async () => {
    const { client, requests } = serverOf(echo)
    await client.call('Mailbox/get', { ids: null })
    await client.call('Mailbox/get', { ids: null })
    expect(requests).toHaveLength(2)
  })

  it('refer to those before them', async () => {
    const { client, requests } = serverOf(echo)
    const found = client.call('Email/query', { filter: null })
    await client.call('Email/get', { '#ids': found.ref('/ids') })
    const [first, second] = requests[0]?.calls ?? []
    expect(second?.[1]['#ids']).toEqual({ resultOf: first?.[2], name: 'Email/query', path: '/ids' })
  })

  it('fail one by one', async () => {
    const { client } = serverOf((sent) =>
      json({
        methodResponses: sent.calls.map(([name, , id]) =>
          name === 'Email/changes' ? ['error', { type: 'cannotCalculateChanges' }, id] : [name, {}, id],
        ),
      }),
    )
    const changes = client.call('Email/changes', { sinceState: 'x' })
    const boxes = client.call('Mailbox/get', { ids: null })
    await expect(boxes.answer).resolves.toEqual({})
    await expect(changes.answer).rejects.toMatchObject({ type: 'cannotCalculateChanges' })
    await expect(changes.answer).rejects.toBeInstanceOf(CallFailed)
  })
})

describe('requests', () => {
  const call = (id: string, ...needs: string[]) => ({ id, needs: new Set(needs) })
  const names = (groups: { id: string }[][]) => groups.map((one) => one.map((c) => c.id).join(''))

  it('have no more calls than the server takes, and never part those that belong together', () => {
    const calls = ['a', 'b', 'c', 'd', 'e'].map((id) => call(id))
    expect(names(grouped(calls, 4))).toEqual(['abcd', 'e'])
    const chained = [call('a'), call('b'), call('c', 'b'), call('d', 'c'), call('e', 'a')]
    expect(names(grouped(chained, 4))).toEqual(['bcd', 'ae'])
  })

  it('are split where there are too many calls', async () => {
    const { client, requests } = serverOf(echo)
    await Promise.all(Array.from({ length: 9 }, () => client.call('Thread/get', { ids: [] })))
    expect(requests.map((one) => one.calls.length)).toEqual([4, 4, 1])
  })

  it('that only read are tried again after a cut or a busy server', async () => {
    const { client, requests, waits } = serverOf((sent, n) => {
      if (n === 1) throw new TypeError('cut')
      return n === 2 ? json({ type: 'about:blank', detail: 'later' }, 503) : echo(sent)
    })
    await client.call('Mailbox/get', { ids: null })
    expect(requests).toHaveLength(3)
    expect(waits[1]).toBeGreaterThan(waits[0] ?? 0)
  })

  it('that write are not, unless the call says that it may be done twice', async () => {
    const cut = () => {
      throw new TypeError('cut')
    }
    const once = serverOf(cut)
    await expect(once.client.call('Email/set', { create: {} }).answer).rejects.toBeInstanceOf(
      NetworkFailed,
    )
    expect(once.requests).toHaveLength(1)
    const twice = serverOf(cut)
    const patch = twice.client.call('Email/set', { update: {} }, { retries: 2 })
    await expect(patch.answer).rejects.toBeInstanceOf(NetworkFailed)
    expect(twice.requests).toHaveLength(3)
  })

  it('that are refused say why', async () => {
    const problem = { type: 'urn:ietf:params:jmap:error:limit', detail: 'Too much.' }
    const { client, requests } = serverOf(() => json(problem, 400))
    const failed = client.call('Mailbox/get', { ids: null }).answer
    await expect(failed).rejects.toMatchObject({ status: 400, message: 'Too much.' })
    await expect(failed).rejects.toBeInstanceOf(RequestFailed)
    expect(requests).toHaveLength(1)
  })

  it('end when nobody waits for them any more', async () => {
    const given = new AbortController()
    const { client } = serverOf(async () => new Promise(() => undefined))
    const options = { signal: given.signal }
    given.abort(new DOMException('', 'AbortError'))
    const call = client.call('Mailbox/get', { ids: null }, options)
    await expect(call.answer).rejects.toMatchObject({ name: 'AbortError' })
  })
})

describe('the session', () => {
  it('goes on after signing in again, with the new token', async () => {
    const { client, requests, signIn } = serverOf((sent) =>
      sent.token === 'new token' ? echo(sent) : json({}, 401),
    )
    await client.call('Mailbox/get', { ids: null })
    expect(signIn).toHaveBeenCalledOnce()
    expect(requests.map((one) => one.token)).toEqual(['token', 'new token'])
  })

  it('is asked for its token after a start without a server', async () => {
    const { client, requests, signIn } = serverOf(
      (sent) => (sent.path === '/account/state' ? json({ login: 'alice@example.org', csrf: 'found' }) : echo(sent)),
      '',
    )
    await client.call('Mailbox/get', { ids: null })
    expect(requests.map((one) => [one.path, one.token])).toEqual([
      ['/account/state', null],
      ['/jmap/api', 'found'],
    ])
    expect(signIn).not.toHaveBeenCalled()
  })

  it('is renewed where none is left', async () => {
    const { client, signIn } = serverOf(
      (sent) => (sent.path === '/account/state' ? json({}, 401) : echo(sent)),
      '',
    )
    await client.call('Mailbox/get', { ids: null })
    expect(signIn).toHaveBeenCalledOnce()
  })

  it('takes the token of a session that began in another tab', async () => {
    const { client, requests, signIn } = serverOf((sent) => {
      if (sent.path === '/account/state') return json({ login: 'alice@example.org', csrf: 'theirs' })
      return sent.token === 'theirs' ? echo(sent) : json({ detail: 'not our page' }, 403)
    })
    await client.call('Mailbox/get', { ids: null })
    expect(requests.map((one) => one.path)).toEqual(['/jmap/api', '/account/state', '/jmap/api'])
    expect(signIn).not.toHaveBeenCalled()
  })

  it('never takes the token of somebody else', async () => {
    const { client, requests, foreign } = serverOf((sent) =>
      sent.path === '/account/state'
        ? json({ login: 'bob@example.org', csrf: 'theirs' })
        : json({ detail: 'not our page' }, 403),
    )
    void client.call('Mailbox/get', { ids: null })
    await vi.waitFor(() => expect(foreign).toHaveBeenCalledOnce())
    expect(requests).toHaveLength(2)
  })

  it('gives addresses at the origin of the page', () => {
    const { client } = serverOf(echo)
    expect(client.downloadUrl('B1', 'a b.pdf', 'application/pdf')).toBe(
      '/jmap/download/A1/B1/a%20b.pdf?type=application%2Fpdf',
    )
    expect(client.uploadUrl).toBe('/jmap/upload/A1/')
    expect(client.eventSourceUrl('*', 30)).toBe('/e?types=*&closeafter=no&ping=30')
  })
})
