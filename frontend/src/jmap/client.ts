// A typed JMAP client (RFC 8620 §3). Calls made within one microtask travel in one request, in
// the order they were made; a call may use the answer of one before it (`ref`).

import type { JmapSession } from '../data/types.ts'
import { CallFailed, NetworkFailed, RequestFailed } from './errors.ts'
import type { Answers, Arguments } from './methods.ts'

export interface CallOptions {
  signal?: AbortSignal
  /** Milliseconds until the call gives up; 30 s where nothing is said. */
  timeout?: number
  /** Times to try again after a network failure or 429/503; /set tries once unless told. */
  retries?: number
}

/** A call on its way: a promise of its answer, and what later calls may refer to. */
export interface Call<T> extends PromiseLike<T> {
  /** `'#ids': call.ref('/ids')`: taken from this call's answer by the server (§3.7). */
  ref(path: string): ResultReference
  readonly answer: Promise<T>
}

export interface ResultReference {
  resultOf: string
  name: string
  path: string
}

interface Waiting {
  name: string
  args: Record<string, unknown>
  id: string
  options: CallOptions
  needs: Set<string>
  resolve(answer: unknown): void
  reject(error: Error): void
}

export interface Timing {
  calls: string[]
  milliseconds: number
  status: number
}

export interface ClientOptions {
  session: JmapSession
  csrf: string
  /** Called for a 401; resolves with the new token when somebody has signed in again. */
  signIn: () => Promise<string>
  /** Called when the browser's session is somebody else's now: this page has no more to do. */
  foreign: () => Promise<never>
  fetch?: typeof fetch
  wait?: (milliseconds: number) => Promise<void>
}

const TIMEOUT = 30_000
const RETRIES = 2
const FIRST_PAUSE = 400
const MOST_PAUSE = 10_000
const KEPT_TIMINGS = 100

export class JmapClient {
  session: JmapSession
  csrf: string
  readonly timings: Timing[] = []
  readonly foreign: () => Promise<never>
  #queue: Waiting[] = []
  #numbers = 0
  #signIn: () => Promise<string>
  #fetch: typeof fetch
  #wait: (milliseconds: number) => Promise<void>

  constructor(options: ClientOptions) {
    this.session = options.session
    this.csrf = options.csrf
    this.#signIn = options.signIn
    this.foreign = options.foreign
    this.#fetch = options.fetch ?? ((...given) => fetch(...given))
    this.#wait = options.wait ?? ((ms) => new Promise((done) => setTimeout(done, ms)))
  }

  get accountId(): string {
    const mail = this.session.primaryAccounts['urn:ietf:params:jmap:mail']
    return mail ?? Object.keys(this.session.accounts)[0] ?? ''
  }

  /** A limit of the core capability (RFC 8620 §2). */
  limit(name: 'maxCallsInRequest' | 'maxObjectsInGet' | 'maxObjectsInSet' | 'maxSizeUpload'): number {
    const told = this.session.capabilities['urn:ietf:params:jmap:core']?.[name]
    return typeof told === 'number' ? told : name === 'maxCallsInRequest' ? 16 : 500
  }

  has(capability: string): boolean {
    return capability in this.session.capabilities
  }

  /** `accountId` is filled in. */
  call<Name extends keyof Answers>(
    name: Name,
    args: Arguments<Name>,
    options?: CallOptions,
  ): Call<Answers[Name]>
  call<T = Record<string, unknown>>(
    name: string,
    args: Record<string, unknown>,
    options?: CallOptions,
  ): Call<T>
  call(name: string, args: Record<string, unknown>, options: CallOptions = {}): Call<unknown> {
    const id = `c${this.#numbers++}`
    const answer = new Promise<unknown>((resolve, reject) => {
      if (!this.#queue.length) queueMicrotask(() => this.#flush())
      const needs = new Set(
        Object.entries(args)
          .filter(([key]) => key.startsWith('#'))
          .map(([, value]) => (value as ResultReference).resultOf),
      )
      const filled = name === 'Core/echo' ? args : { accountId: this.accountId, ...args }
      this.#queue.push({ name, args: filled, id, options, needs, resolve, reject })
    })
    answer.catch(() => undefined) // an unwatched call fails with those that refer to it
    return {
      answer,
      ref: (path) => ({ resultOf: id, name, path }),
      then: (done, failed) => answer.then(done as never, failed),
    }
  }

  #flush(): void {
    const queue = this.#queue
    this.#queue = []
    for (const group of grouped(queue, this.limit('maxCallsInRequest'))) void this.#send(group)
  }

  async #send(calls: Waiting[]): Promise<void> {
    const writes = calls.some((one) => !/\/(get|query|changes|queryChanges|echo)$/.test(one.name))
    const retries = Math.max(...calls.map((one) => one.options.retries ?? (writes ? 0 : RETRIES)))
    try {
      for (let attempt = 0; ; attempt++) {
        try {
          return this.#settle(calls, await this.#post(calls))
        } catch (error) {
          const again = error instanceof NetworkFailed || (error as RequestFailed).isPassing
          if (!again || attempt >= retries) throw error
          const pause = Math.min(FIRST_PAUSE * 3 ** attempt, MOST_PAUSE)
          await this.#wait(pause * (0.5 + Math.random()))
        }
      }
    } catch (error) {
      for (const one of calls) one.reject(error as Error)
    }
  }

  async #post(calls: Waiting[]): Promise<[string, Record<string, unknown>, string][]> {
    const body = JSON.stringify({
      using: Object.keys(this.session.capabilities),
      methodCalls: calls.map((one) => [one.name, one.args, one.id]),
    })
    const { signal, stop } = joined(calls)
    const began = performance.now()
    let status = 0
    try {
      const response = await this.request(pathOf(this.session.apiUrl), {
        method: 'POST',
        headers: { 'Content-Type': 'application/json', Accept: 'application/json' },
        body,
        signal,
      })
      status = response.status
      const told = (await response.json()) as { methodResponses: never }
      return told.methodResponses
    } catch (error) {
      if (error instanceof RequestFailed || error instanceof NetworkFailed) throw error
      if (signal.aborted) throw signal.reason
      throw new NetworkFailed(error)
    } finally {
      stop()
      const milliseconds = performance.now() - began
      this.timings.push({ calls: calls.map((one) => one.name), milliseconds, status })
      if (this.timings.length > KEPT_TIMINGS) this.timings.shift()
    }
  }

  /** Any request to our server: token, sign-in sheet at 401, RequestFailed for other failures. */
  async request(path: string, init: RequestInit = {}): Promise<Response> {
    for (;;) {
      if (!this.csrf) this.csrf = await this.#token(init.signal ?? null)
      const headers = new Headers(init.headers)
      headers.set('X-Csrf-Token', this.csrf)
      let response: Response
      try {
        response = await this.#fetch(path, { ...init, headers, credentials: 'same-origin' })
      } catch (error) {
        if (init.signal?.aborted) throw init.signal.reason
        throw new NetworkFailed(error)
      }
      if (response.ok) return response
      if (response.status === 401) this.csrf = await this.#signIn()
      else {
        const failed = await RequestFailed.of(response)
        if (failed.status !== 403 || !(await this.#isRenewed(init.signal ?? null))) throw failed
      }
    }
  }

  /** Whether the same person signed in again in another tab: the session has another token. */
  async #isRenewed(signal: AbortSignal | null): Promise<boolean> {
    const before = this.csrf
    const init = { headers: { Accept: 'application/json' }, signal }
    const answer = await this.#fetch('/account/state', init).catch(() => null)
    if (!answer?.ok) return false
    this.csrf = await this.#ours(answer)
    return this.csrf !== before
  }

  /** The token of an answer that is about the person whose mail this page shows. */
  async #ours(answer: Response): Promise<string> {
    const told = (await answer.json()) as { login: string; csrf: string }
    return told.login === this.session.username ? told.csrf : this.foreign()
  }

  /** A start without a server knows no token; a session may be there all the same. */
  async #token(signal: AbortSignal | null): Promise<string> {
    try {
      const headers = { Accept: 'application/json' }
      const answer = await this.#fetch('/account/state', { headers, signal })
      if (answer.ok) return await this.#ours(answer)
      if (answer.status !== 401) throw await RequestFailed.of(answer)
    } catch (error) {
      throw error instanceof RequestFailed ? error : new NetworkFailed(error)
    }
    return this.#signIn()
  }

  #settle(calls: Waiting[], responses: [string, Record<string, unknown>, string][]): void {
    // A method may give several answers (Foo/copy with onSuccess…); the first one is its own.
    const byId = new Map<string, [string, Record<string, unknown>]>()
    for (const [name, answer, id] of responses) if (!byId.has(id)) byId.set(id, [name, answer])
    for (const one of calls) {
      const found = byId.get(one.id)
      if (!found) one.reject(new CallFailed(one.name, { type: 'serverFail' }))
      else if (found[0] === 'error') one.reject(new CallFailed(one.name, found[1]))
      else one.resolve(found[1])
    }
  }

  /** Where a blob is read from; `inline` asks for a type that may be shown. */
  downloadUrl(blobId: string, name: string, type: string): string {
    const parts = { accountId: this.accountId, blobId, name, type }
    return pathOf(
      this.session.downloadUrl.replace(/\{(\w+)\}/g, (_, key: keyof typeof parts) =>
        encodeURIComponent(parts[key]),
      ),
    )
  }

  get uploadUrl(): string {
    return pathOf(this.session.uploadUrl.replace('{accountId}', encodeURIComponent(this.accountId)))
  }

  eventSourceUrl(types: string, ping: number): string {
    const filled = this.session.eventSourceUrl
      .replace('{types}', encodeURIComponent(types))
      .replace('{closeafter}', 'no')
      .replace('{ping}', String(ping))
    return pathOf(filled)
  }
}

/** Always at the origin of the page, whatever name the server gives itself. */
function pathOf(url: string): string {
  const at = new URL(url, globalThis.location?.href ?? 'http://localhost/')
  return at.pathname + at.search
}

/** Requests of at most so many calls; a call stays with those that it refers to. */
export function grouped<T extends { id: string; needs: Set<string> }>(
  calls: T[],
  most: number,
): T[][] {
  const chains: T[][] = []
  for (const call of calls) {
    const needed = chains.filter((chain) => chain.some((one) => call.needs.has(one.id)))
    const joinedChain = [...needed.flat(), call]
    for (const chain of needed) chains.splice(chains.indexOf(chain), 1)
    chains.push(joinedChain)
  }
  const groups: T[][] = []
  for (const chain of chains) {
    const last = groups.at(-1)
    if (last && last.length + chain.length <= most) last.push(...chain)
    else groups.push([...chain])
  }
  return groups
}

/** Ends when every call has been given up, or the longest time is over. */
function joined(calls: Waiting[]): { signal: AbortSignal; stop: () => void } {
  const control = new AbortController()
  const longest = Math.max(...calls.map((one) => one.options.timeout ?? TIMEOUT))
  const timer = setTimeout(
    () => control.abort(new NetworkFailed(new DOMException('', 'TimeoutError'))),
    longest,
  )
  const signals = calls.map((one) => one.options.signal)
  const look = () => {
    if (signals.every((one) => one?.aborted)) control.abort(signals[0]?.reason)
  }
  look()
  for (const one of signals) one?.addEventListener('abort', look)
  const stop = () => {
    clearTimeout(timer)
    for (const one of signals) one?.removeEventListener('abort', look)
  }
  return { signal: control.signal, stop }
}
