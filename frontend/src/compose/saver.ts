// When a draft is kept, and where: this device within a second, the server at the first pause.

export type SaveState =
  | 'unchanged' // nothing was written yet
  | 'unsaved' // younger than the last batch
  | 'device' // on this device; the server will have it
  | 'saving'
  | 'saved'
  | 'conflict' // another device changed the same draft
  | 'signin' // waits until somebody signs in again
  | 'refused' // the server does not take it as it is

/** What became of an attempt to save on the server. */
export type SaveOutcome = 'saved' | 'conflict' | 'offline' | 'signin' | 'refused'

export interface Timers {
  now(): number
  set(run: () => void, ms: number): number
  clear(timer: number): void
}

export interface Places {
  keep(): Promise<void> // on this device
  save(): Promise<SaveOutcome> // on the server
}

export const LOCAL_BATCH_MS = 700 // web.md: at most a second of typing may be lost
export const IDLE_MS = 3_000
export const CONTINUOUS_MS = 10_000
const RETRY_MS = [5_000, 10_000, 30_000, 60_000]

/** One draft's saving; told of every change, asks for attempts at the right time. */
export class Saver {
  state: SaveState = 'unchanged'
  private localTimer = 0
  private idleTimer = 0
  private deadline = 0 // when the server gets it although the person goes on writing
  private retries = 0
  private running: Promise<void> | null = null
  private changedMeanwhile = false
  private stopped = false

  constructor(
    private readonly places: Places,
    private readonly timers: Timers,
    private readonly told: (state: SaveState) => void,
  ) {}

  /** The person changed something. */
  changed(): void {
    if (this.stopped) return
    if (this.running) this.changedMeanwhile = true
    if (this.state !== 'conflict' && this.state !== 'saving') this.become('unsaved')
    if (!this.localTimer) {
      this.localTimer = this.timers.set(() => void this.keepNow(), LOCAL_BATCH_MS)
    }
    if (this.state !== 'conflict') this.plan()
  }

  /** What is not yet on this device, now. */
  async keepNow(): Promise<void> {
    this.timers.clear(this.localTimer)
    this.localTimer = 0
    await this.places.keep()
    if (this.state === 'unsaved') this.become('device')
  }

  /** To the server at once: the window closes, the network is back, somebody signed in. */
  async saveNow(): Promise<void> {
    this.unplan()
    while (this.running) await this.running
    if (this.stopped) return
    this.running = this.attempt()
    try {
      await this.running
    } finally {
      this.running = null
    }
    if (this.changedMeanwhile && !this.stopped) {
      this.changedMeanwhile = false
      if (this.state !== 'conflict') {
        this.become(this.localTimer ? 'unsaved' : 'device')
        this.plan()
      }
    }
  }

  /** Whether there is something that the server does not have. */
  get isPending(): boolean {
    return !['unchanged', 'saved'].includes(this.state)
  }

  /** The network is back or somebody signed in: whatever waits is tried now. */
  wake(): void {
    this.retries = 0
    if (this.isPending && this.state !== 'conflict') void this.saveNow()
  }

  /** The person decided what becomes of two versions. */
  settled(): void {
    this.become('device')
    this.deadline = 0
    void this.saveNow()
  }

  /** No more attempts: it is sent or thrown away. Waits for one that runs. */
  async stop(): Promise<void> {
    this.stopped = true
    this.unplan()
    this.timers.clear(this.localTimer)
    this.localTimer = 0
    while (this.running) await this.running
  }

  /** Sending failed: it is a draft again. */
  resume(): void {
    this.stopped = false
    this.changed()
  }

  private async attempt(): Promise<void> {
    this.deadline = 0
    this.changedMeanwhile = false
    this.become('saving')
    let outcome: SaveOutcome
    try {
      await this.keepNow()
      outcome = await this.places.save()
    } catch {
      outcome = 'offline'
    }
    if (outcome === 'offline') {
      this.become('device')
      this.retryLater()
      return
    }
    this.retries = 0
    this.become(outcome)
  }

  private plan(): void {
    const now = this.timers.now()
    this.deadline ||= now + CONTINUOUS_MS
    this.timers.clear(this.idleTimer)
    const wait = Math.min(IDLE_MS, Math.max(0, this.deadline - now))
    this.idleTimer = this.timers.set(() => void this.saveNow(), wait)
  }

  private retryLater(): void {
    const wait = RETRY_MS[Math.min(this.retries, RETRY_MS.length - 1)]!
    this.retries++
    this.timers.clear(this.idleTimer)
    this.idleTimer = this.timers.set(() => void this.saveNow(), wait)
  }

  private unplan(): void {
    this.timers.clear(this.idleTimer)
    this.idleTimer = 0
  }

  private become(state: SaveState): void {
    if (this.state === state) return
    this.state = state
    this.told(state)
  }
}

/** The browser's own. */
export const windowTimers: Timers = {
  now: () => Date.now(),
  set: (run, ms) => window.setTimeout(run, ms),
  clear: (timer) => window.clearTimeout(timer),
}
