// How a message opens, whatever the network or the message does. The pane is never blank and never
// waits without an end: a slow body offers ways out after a second, is asked for again after three,
// and is given up after eight. What is fetched, and how, is told by whoever makes the ladder; here
// is only the order of things, so that it can be tested with a clock that stands still.

export type Kind = 'body' | 'text'

/** What came of an attempt that gave nothing to read. */
export type Reason =
  | 'late' // no answer in time
  | 'unreachable' // no server there
  | 'busy' // the server asked for patience
  | 'gone' // no such message any more
  | 'signed-out'
  | 'refused'

export interface Outcome {
  /** The answer has begun. */
  headers(): void
  /** There is text to be read. */
  shown(): void
  failed(reason: Reason): void
}

export interface Attempt {
  readonly number: number
  readonly kind: Kind
}

export interface Fetcher {
  start(attempt: Attempt, outcome: Outcome): void
  cancel(attempt: Attempt): void
}

export type Rung = 'idle' | 'opening' | 'slow' | 'shown' | 'failed'

export interface View {
  readonly rung: Rung
  /** What is shown, or being fetched. */
  readonly kind: Kind
  readonly attempt: Attempt | null
  readonly reason: Reason | null
  /** By which the administrator finds the report of a failure. */
  readonly reference: string | null
  /** The formatted body did not come to its end, so the text stands there instead. */
  readonly gaveWay: boolean
}

export interface Times {
  readonly slow: number
  readonly hedge: number
  readonly limit: number
  readonly unfinished: number
  readonly again: number
  readonly mostAgain: number
}

export const TIMES: Times = {
  slow: 1000, // longer than this is felt as waiting: offer the ways out
  hedge: 3000, // a lost packet or a stuck connection; another one is cheaper than patience
  limit: 8000, // nobody should look at a promise for longer
  unfinished: 4000, // after the headers: the body is there but does not become a page
  again: 2000, // while there is no server at all: back within three seconds of it
  mostAgain: 60, // then only when the connection says that it is back
}

interface Running {
  readonly attempt: Attempt
  answered: boolean
}

const START: View = { rung: 'idle', kind: 'body', attempt: null, reason: null, reference: null, gaveWay: false }

export class Ladder {
  view: View = START
  private running: Running[] = []
  private timers: ReturnType<typeof setTimeout>[] = []
  private count = 0
  private tried = 0
  private again = 0

  constructor(
    private readonly fetcher: Fetcher,
    private readonly changed: (view: View) => void,
    private readonly report: (reason: Reason, reference: string) => void,
    private readonly times: Times = TIMES,
  ) {}

  /** Fetch without promising anything: the message may be opened next. */
  prefetch(): void {
    if (this.view.rung === 'idle' && this.running.length === 0) this.begin('body')
  }

  /** The message is on the screen now; from here the clock counts. */
  open(): void {
    if (this.view.rung === 'shown') return
    if (this.view.rung === 'failed') return this.retry()
    if (this.view.rung !== 'idle') return
    this.show({ rung: 'opening' })
    this.tried = this.running.length
    if (this.running.length === 0) this.begin('body')
    for (const one of this.running) if (one.answered) this.expectTheRest(one)
    this.countDown()
  }

  retry(kind: Kind = 'body'): void {
    this.again = 0
    this.restart(kind, { gaveWay: false })
  }

  /** The text instead of the formatted body. */
  plain(): void {
    this.restart('text', { gaveWay: false })
  }

  /** The connection is back: whatever was missing is tried again. */
  reconnected(): void {
    const { rung, reason } = this.view
    if (rung !== 'failed' || reason === 'gone' || reason === 'refused') return
    this.retry(this.view.kind)
  }

  close(): void {
    this.drop()
    this.view = START
  }

  private restart(kind: Kind, rest: Partial<View>): void {
    this.drop()
    this.tried = 0
    this.show({ rung: 'opening', kind, attempt: null, reason: null, reference: null, ...rest })
    this.begin(kind)
    this.countDown()
  }

  private countDown(): void {
    this.after(this.times.slow, () => {
      if (this.view.rung === 'opening') this.show({ rung: 'slow' })
    })
    this.after(this.times.hedge, () => {
      if (!this.running.some((one) => one.answered)) this.begin(this.view.kind)
    })
    this.after(this.times.limit, () => {
      this.fail('late')
    })
  }

  private begin(kind: Kind): void {
    this.count += 1
    this.tried += 1
    const one: Running = { attempt: { number: this.count, kind }, answered: false }
    this.running.push(one)
    const live = (): boolean => this.running.includes(one)
    this.fetcher.start(one.attempt, {
      headers: () => {
        if (!live() || one.answered) return
        one.answered = true
        this.expectTheRest(one)
      },
      shown: () => { if (live()) this.arrived(one) },
      failed: (reason) => { if (live()) this.lost(one, reason) },
    })
  }

  private expectTheRest(one: Running): void {
    if (one.attempt.kind !== 'body') return
    this.after(this.times.unfinished, () => {
      if (this.running.includes(one)) this.giveWay()
    })
  }

  private arrived(one: Running): void {
    this.running = this.running.filter((other) => other !== one)
    this.stop()
    this.again = 0
    this.show({ rung: 'shown', kind: one.attempt.kind, attempt: one.attempt, reason: null, reference: null })
  }

  private lost(one: Running, reason: Reason): void {
    this.running = this.running.filter((other) => other !== one)
    this.fetcher.cancel(one.attempt)
    if (this.running.length > 0) return // the other one may still come
    if (this.view.rung === 'idle') return // only a prefetch; opening it tries again
    if (reason === 'busy' && this.tried === 1 && this.view.rung !== 'failed') return // asked again at the hedge
    this.fail(reason)
  }

  private giveWay(): void {
    if (this.view.rung !== 'opening' && this.view.rung !== 'slow') return
    for (const one of this.running) this.fetcher.cancel(one.attempt)
    this.running = []
    this.show({ kind: 'text', gaveWay: true })
    this.begin('text')
  }

  private fail(reason: Reason): void {
    this.stop()
    const first = this.view.rung !== 'failed'
    const reference = this.view.reference ?? newReference()
    this.show({ rung: 'failed', attempt: null, reason, reference })
    if (first) this.report(reason, reference)
    if (reason === 'unreachable' && this.again < this.times.mostAgain) {
      this.after(this.times.again, () => {
        this.again += 1
        this.begin(this.view.kind) // the card stays until something is there
        this.after(this.times.limit, () => { this.fail('late') })
      })
    }
  }

  private show(part: Partial<View>): void {
    this.view = { ...this.view, ...part }
    this.changed(this.view)
  }

  private after(milliseconds: number, then: () => void): void {
    this.timers.push(setTimeout(then, milliseconds))
  }

  /** Also what is shown. */
  private drop(): void {
    this.stop()
    if (this.view.attempt) this.fetcher.cancel(this.view.attempt)
  }

  private stop(): void {
    for (const timer of this.timers) clearTimeout(timer)
    this.timers = []
    for (const one of this.running) this.fetcher.cancel(one.attempt)
    this.running = []
  }
}

/** Short enough to be read out over the telephone. */
function newReference(): string {
  const letters = 'abcdefghjkmnpqrstuvwxyz23456789'
  return [...crypto.getRandomValues(new Uint8Array(8))].map((one) => letters.charAt(one % letters.length)).join('')
}
