import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

import type { Attempt, Outcome, Reason } from './ladder.ts'
import { Ladder, TIMES } from './ladder.ts'

class Network {
  readonly started: { attempt: Attempt; outcome: Outcome; cancelled: boolean }[] = []
  start(attempt: Attempt, outcome: Outcome): void {
    this.started.push({ attempt, outcome, cancelled: false })
  }
  cancel(attempt: Attempt): void {
    for (const one of this.started) if (one.attempt === attempt) one.cancelled = true
  }
  at(place: number): Outcome {
    const one = this.started[place]
    if (!one) throw new Error(`no attempt ${String(place)}`)
    return one.outcome
  }
  get open(): number {
    return this.started.filter((one) => !one.cancelled).length
  }
}

let network: Network
let reports: [Reason, string][]
let ladder: Ladder

beforeEach(() => {
  vi.useFakeTimers()
  network = new Network()
  reports = []
  ladder = new Ladder(network, () => undefined, (...report) => reports.push(report))
})
afterEach(() => vi.useRealTimers())

describe('a body that never comes', () => {
  it('offers ways out after 1 s, is asked for again after 3 s, and is given up after 8 s', () => {
    ladder.open()
    expect(ladder.view.rung).toBe('opening')
    vi.advanceTimersByTime(999)
    expect(ladder.view.rung).toBe('opening')
    vi.advanceTimersByTime(1)
    expect(ladder.view.rung).toBe('slow')
    vi.advanceTimersByTime(1999)
    expect(network.started).toHaveLength(1)
    vi.advanceTimersByTime(1)
    expect(network.started).toHaveLength(2)
    expect(network.open).toBe(2)
    vi.advanceTimersByTime(4999)
    expect(ladder.view.rung).toBe('slow')
    vi.advanceTimersByTime(1)
    expect(ladder.view).toMatchObject({ rung: 'failed', reason: 'late' })
    expect(network.open).toBe(0)
    expect(reports).toEqual([['late', ladder.view.reference]])
  })

  it('has no timer left after the end', () => {
    ladder.open()
    vi.advanceTimersByTime(8000)
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is tried again by hand, and by itself when the connection is back', () => {
    ladder.open()
    vi.advanceTimersByTime(8000)
    ladder.reconnected()
    expect(ladder.view).toMatchObject({ rung: 'opening', reason: null, reference: null })
    network.at(2).shown()
    expect(ladder.view.rung).toBe('shown')
  })
})

describe('a body that comes', () => {
  it('stops every clock', () => {
    ladder.open()
    network.at(0).headers()
    network.at(0).shown()
    expect(ladder.view).toMatchObject({ rung: 'shown', kind: 'body', attempt: { number: 1 } })
    vi.advanceTimersByTime(60_000)
    expect(ladder.view.rung).toBe('shown')
    expect(network.started).toHaveLength(1)
  })

  it('may be the second one; the first is dropped and heard no more', () => {
    ladder.open()
    vi.advanceTimersByTime(3000)
    network.at(1).shown()
    expect(ladder.view.attempt?.number).toBe(2)
    expect(network.started[0]?.cancelled).toBe(true)
    network.at(0).failed('refused')
    expect(ladder.view.rung).toBe('shown')
  })

  it('is not asked for twice while its answer is on the way', () => {
    ladder.open()
    network.at(0).headers()
    vi.advanceTimersByTime(3500)
    expect(network.started).toHaveLength(1)
  })

  it('but does not become a page within 4 s: the text stands there instead', () => {
    ladder.open()
    vi.advanceTimersByTime(200)
    network.at(0).headers()
    vi.advanceTimersByTime(3999)
    expect(network.started).toHaveLength(1)
    vi.advanceTimersByTime(1)
    expect(network.started[0]?.cancelled).toBe(true)
    expect(network.started[1]?.attempt.kind).toBe('text')
    network.at(1).shown()
    expect(ladder.view).toMatchObject({ rung: 'shown', kind: 'text', gaveWay: true })
    ladder.retry()
    expect(ladder.view).toMatchObject({ rung: 'opening', kind: 'body', gaveWay: false })
  })
})

describe('failures', () => {
  it('of one attempt do not end the other', () => {
    ladder.open()
    vi.advanceTimersByTime(3000)
    network.at(0).failed('refused')
    expect(ladder.view.rung).toBe('slow')
    network.at(1).shown()
    expect(ladder.view.rung).toBe('shown')
  })

  it('a busy server is asked once more', () => {
    ladder.open()
    network.at(0).failed('busy')
    expect(ladder.view.rung).toBe('opening')
    vi.advanceTimersByTime(3000)
    expect(network.started).toHaveLength(2)
    network.at(1).failed('busy')
    expect(ladder.view).toMatchObject({ rung: 'failed', reason: 'busy' })
  })

  it('a server that is gone: the card at once, and the message within 2 s of its return', () => {
    ladder.open()
    network.at(0).failed('unreachable')
    const { reference } = ladder.view
    expect(ladder.view).toMatchObject({ rung: 'failed', reason: 'unreachable' })
    vi.advanceTimersByTime(TIMES.again)
    expect(network.started).toHaveLength(2)
    network.at(1).failed('unreachable')
    expect(ladder.view).toMatchObject({ rung: 'failed', reference })
    vi.advanceTimersByTime(TIMES.again)
    network.at(2).shown()
    expect(ladder.view.rung).toBe('shown')
    expect(reports).toHaveLength(1)
  })

  it('are not tried for ever', () => {
    ladder.open()
    network.at(0).failed('unreachable')
    for (let n = 1; n <= TIMES.mostAgain; n += 1) {
      vi.advanceTimersByTime(TIMES.again)
      network.at(n).failed('unreachable')
    }
    expect(vi.getTimerCount()).toBe(0)
    ladder.reconnected()
    expect(ladder.view.rung).toBe('opening')
  })

  it.each(['gone', 'refused'] as const)('%s is not tried again by itself', (reason) => {
    ladder.open()
    network.at(0).failed(reason)
    ladder.reconnected()
    expect(ladder.view.rung).toBe('failed')
  })
})

describe('ways out', () => {
  it('the text, at any moment', () => {
    ladder.open()
    vi.advanceTimersByTime(1000)
    ladder.plain()
    expect(network.started[0]?.cancelled).toBe(true)
    network.at(1).shown()
    expect(ladder.view).toMatchObject({ rung: 'shown', kind: 'text', gaveWay: false })
  })

  it('the text has a limit too', () => {
    ladder.open()
    ladder.plain()
    vi.advanceTimersByTime(8000)
    expect(ladder.view).toMatchObject({ rung: 'failed', kind: 'text' })
  })
})

describe('a message fetched before it is opened', () => {
  it('is there at once', () => {
    ladder.prefetch()
    network.at(0).shown()
    ladder.open()
    expect(ladder.view.rung).toBe('shown')
    expect(network.started).toHaveLength(1)
  })

  it('starts the clock only when it is opened', () => {
    ladder.prefetch()
    vi.advanceTimersByTime(10_000)
    expect(ladder.view.rung).toBe('idle')
    ladder.open()
    expect(network.started).toHaveLength(1)
    vi.advanceTimersByTime(1000)
    expect(ladder.view.rung).toBe('slow')
  })

  it('and lost is fetched again', () => {
    ladder.prefetch()
    network.at(0).failed('busy')
    ladder.open()
    expect(network.started).toHaveLength(2)
    expect(ladder.view.rung).toBe('opening')
  })

  it('closed, is forgotten', () => {
    ladder.prefetch()
    ladder.close()
    network.at(0).shown()
    expect(ladder.view.rung).toBe('idle')
    expect(network.open).toBe(0)
  })
})
