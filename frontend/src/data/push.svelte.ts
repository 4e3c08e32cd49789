// One event stream for a whole browser (web.md §2.8): the tab that holds the lock listens and
// tells the others. Where the stream is blocked, it asks every 15 seconds instead.

import { app } from '../app.ts'
import type { JmapClient } from '../jmap/client.ts'
import type { MailStore } from './mail.svelte.ts'
import type { Sync } from './sync.ts'
import type { Id, PushStatus } from './types.ts'

const PING = 30
const DEAD_AFTER = 45_000
const FIRST_PAUSE = 500
const MOST_PAUSE = 30_000
const POLL = 15_000
const FAILURES_BEFORE_POLL = 4
/** A word should have come by then. */
const LATE = (PING + 5) * 1000
/** The time of timers stands still while a computer sleeps; the clock goes on. */
const LOOK_EVERY = 15_000
const LOOK_AT_MOST_EVERY = 1000
const SLEPT = 10_000

interface StateChange {
  changed: Record<Id, Record<string, string>>
}

type Told =
  | { kind: 'change'; data: StateChange }
  | { kind: 'event'; name: string; data: unknown }
  | { kind: 'status'; status: PushStatus; heardAt: number }
  | { kind: 'ask' }
  | { kind: 'ended' }

export class Push {
  #client: JmapClient
  #mail: MailStore
  #sync: Sync
  #channel: BroadcastChannel
  #stream: EventSource | null = null
  #isLeader = false
  #failures = 0
  #timer: ReturnType<typeof setTimeout> | undefined
  #alive: ReturnType<typeof setTimeout> | undefined
  #known: Record<string, string> = {}
  #isLooking = false
  /** Since then the browser's session may have become another. */
  #wasOpen = false

  constructor(client: JmapClient, mail: MailStore, sync: Sync) {
    this.#client = client
    this.#mail = mail
    this.#sync = sync
    this.#channel = new BroadcastChannel(`pillarbox-push-${client.accountId}`)
    this.#channel.onmessage = (event) => this.#heard(event.data as Told)
  }

  start(): void {
    if (navigator.locks) {
      void navigator.locks.request(`pillarbox-push-${this.#client.accountId}`, () => {
        this.#lead()
        return new Promise(() => undefined) // for as long as the tab lives
      })
    } else this.#lead()
    this.#tell({ kind: 'ask' })
    addEventListener('online', () => this.#wake())
    addEventListener('offline', () => this.#status('offline'))
    document.addEventListener('visibilitychange', () => {
      if (document.visibilityState === 'visible') this.#wake()
    })
    document.addEventListener('resume', () => this.#wake())
    window.addEventListener('pageshow', (event) => event.persisted && this.#wake())
    this.#watchSleep()
  }

  /** Whoever wakes a computer touches it; a window that is only looked at finds out by itself. */
  #watchSleep(): void {
    let clock = Date.now()
    let time = performance.now()
    const look = () => {
      const [now, elapsed] = [Date.now(), performance.now()]
      if (now - clock < LOOK_AT_MOST_EVERY && now >= clock) return
      const slept = now - clock - (elapsed - time)
      clock = now
      time = elapsed
      if (slept > SLEPT) this.#wake(true)
    }
    setInterval(look, LOOK_EVERY)
    for (const sign of ['pointermove', 'pointerdown', 'keydown', 'focus']) {
      addEventListener(sign, look, { passive: true, capture: true })
    }
  }

  #lead(): void {
    this.#isLeader = true
    this.#connect()
  }

  /** After sleep, or when the network is back: do not wait for the next attempt. */
  #wake(surely = false): void {
    if (!surely && Date.now() - this.#mail.heardAt < LATE && this.#mail.push === 'live') return
    if (this.#isLeader) {
      this.#failures = 0
      this.#connect()
    } else this.#tell({ kind: 'ask' })
    this.#sync.told(true)
  }

  #connect(): void {
    clearTimeout(this.#timer)
    this.#stream?.close()
    if (!navigator.onLine) return this.#status('offline')
    const stream = new EventSource(this.#client.eventSourceUrl('*', PING))
    this.#stream = stream
    stream.onopen = () => {
      if (this.#failures > 0 || this.#mail.push !== 'live') this.#sync.told(true)
      if (this.#failures > 0 || this.#wasOpen) void this.#look()
      this.#wasOpen = true
      this.#failures = 0
      this.#live()
    }
    stream.onerror = () => this.#lost()
    stream.addEventListener('ping', () => this.#live())
    stream.addEventListener('state', (event) => {
      this.#live()
      this.#pass({ kind: 'change', data: JSON.parse(event.data) as StateChange })
    })
    for (const name of ['bulk', 'approval']) {
      stream.addEventListener(name, (event) => {
        this.#live()
        this.#pass({ kind: 'event', name, data: JSON.parse(event.data) })
      })
    }
    this.#watch()
  }

  #live(): void {
    this.#mail.heardAt = Date.now()
    this.#status('live')
    this.#watch()
  }

  #watch(): void {
    clearTimeout(this.#alive)
    this.#alive = setTimeout(() => this.#lost(), DEAD_AFTER)
  }

  #lost(): void {
    this.#stream?.close()
    this.#stream = null
    clearTimeout(this.#alive)
    this.#failures++
    void this.#look()
    this.#status(navigator.onLine ? 'reconnecting' : 'offline')
    const isBlocked = this.#failures > FAILURES_BEFORE_POLL
    const pause = Math.min(FIRST_PAUSE * 2 ** (this.#failures - 1), isBlocked ? POLL : MOST_PAUSE)
    clearTimeout(this.#timer)
    this.#timer = setTimeout(
      () => {
        if (isBlocked) this.#pass({ kind: 'change', data: { changed: {} } })
        this.#connect()
      },
      pause * (0.5 + Math.random() / 2),
    )
  }

  /** A stream ends with its session, and says nothing of it; then nobody may read on here. */
  async #look(): Promise<void> {
    if (this.#isLooking) return
    this.#isLooking = true
    const { csrf } = this.#client
    try {
      const answer = await this.#client.request('/account/state', {
        headers: { Accept: 'application/json' },
        signal: AbortSignal.timeout(DEAD_AFTER),
      })
      const { login } = (await answer.json()) as { login: string }
      if (login !== app.login) await this.#client.foreign()
      else if (csrf !== this.#client.csrf) this.#wake(true) // somebody signed in again
    } catch {
      // no network: it is asked again with the next attempt
    } finally {
      this.#isLooking = false
    }
  }

  /** To the other tabs, which may not know it: the session is the browser's. */
  ended(): void {
    this.#tell({ kind: 'ended' })
  }

  #status(status: PushStatus): void {
    this.#mail.push = status
    if (this.#isLeader) this.#tell({ kind: 'status', status, heardAt: this.#mail.heardAt })
  }

  /** To the other tabs, and to this one. */
  #pass(told: Told): void {
    this.#tell(told)
    this.#heard(told)
  }

  #tell(told: Told): void {
    this.#channel.postMessage(told)
  }

  #heard(told: Told): void {
    if (told.kind === 'ask') {
      if (this.#isLeader) this.#status(this.#mail.push)
    } else if (told.kind === 'ended') void this.#look()
    else if (told.kind === 'status') {
      this.#mail.push = told.status
      this.#mail.heardAt = told.heardAt
    } else if (told.kind === 'event') {
      this.#mail.happened(told.name, told.data)
    } else this.#changed(told.data)
  }

  #changed(change: StateChange): void {
    this.#mail.heardAt = Date.now()
    const states = change.changed[this.#client.accountId]
    const types = Object.entries(states ?? {}).filter(([type, at]) => this.#known[type] !== at)
    for (const [type, at] of types) this.#known[type] = at
    const names = types.map(([type]) => type)
    const isNew = !states || states.Email === undefined || states.Email !== this.#mail.states.Email
    if (isNew && (!states || names.some((name) => ['Email', 'Mailbox', 'Thread', 'Quota'].includes(name)))) {
      this.#sync.told(!states || names.includes('EmailDelivery'))
    }
    for (const name of names) this.#mail.changed(name)
  }
}
