import { beforeEach, describe, expect, it } from 'vitest'
import {
  CONTINUOUS_MS,
  IDLE_MS,
  LOCAL_BATCH_MS,
  Saver,
  type SaveOutcome,
  type SaveState,
} from './saver.ts'

/** Time that stands still until it is told to pass. */
class FakeTimers {
  time = 0
  private next = 1
  private readonly waiting = new Map<number, { at: number; run: () => void }>()
  now = () => this.time
  set = (run: () => void, ms: number) => {
    this.waiting.set(this.next, { at: this.time + ms, run })
    return this.next++
  }
  clear = (timer: number) => void this.waiting.delete(timer)
  async pass(ms: number): Promise<void> {
    const end = this.time + ms
    for (;;) {
      const due = [...this.waiting]
        .filter(([, one]) => one.at <= end)
        .sort((a, b) => a[1].at - b[1].at)[0]
      if (!due) break
      this.waiting.delete(due[0])
      this.time = due[1].at
      due[1].run()
      await settle()
    }
    this.time = end
    await settle()
  }
}
const settle = async () => {
  for (let i = 0; i < 10; i++) await Promise.resolve()
}

let timers: FakeTimers
let kept: number[]
let saved: number[]
let outcomes: SaveOutcome[]
let states: SaveState[]
let saver: Saver
let release: (() => void) | null

beforeEach(() => {
  timers = new FakeTimers()
  kept = []
  saved = []
  outcomes = []
  states = []
  release = null
  saver = new Saver(
    {
      keep: async () => void kept.push(timers.time),
      save: async () => {
        saved.push(timers.time)
        if (release === null) return outcomes.shift() ?? 'saved'
        await new Promise<void>((resolve) => (release = resolve))
        return outcomes.shift() ?? 'saved'
      },
    },
    timers,
    (state) => states.push(state),
  )
})

describe('while somebody writes', () => {
  it('each batch is on this device within a second', async () => {
    for (let i = 0; i < 50; i++) {
      saver.changed()
      await timers.pass(100)
    }
    const gaps = kept.map((at, i) => at - (kept[i - 1] ?? 0))
    expect(Math.max(...gaps)).toBeLessThanOrEqual(1000)
    expect(kept.length).toBeLessThanOrEqual(8)
  })

  it('the server gets it after a pause', async () => {
    saver.changed()
    await timers.pass(IDLE_MS - 1)
    expect(saved).toEqual([])
    await timers.pass(1)
    expect(saved).toEqual([IDLE_MS])
    expect(states).toEqual(['unsaved', 'device', 'saving', 'saved'])
    expect(saver.isPending).toBe(false)
  })

  it('and every ten seconds without one', async () => {
    for (let i = 0; i < 125; i++) {
      saver.changed()
      await timers.pass(200)
    }
    expect(saved[0]).toBe(CONTINUOUS_MS)
    expect(saved).toHaveLength(2)
  })

  it('what is typed during a save is saved after it', async () => {
    release = () => undefined
    saver.changed()
    await timers.pass(IDLE_MS)
    saver.changed()
    release()
    release = null
    await settle()
    expect(saver.isPending).toBe(true)
    await timers.pass(IDLE_MS)
    expect(saved).toHaveLength(2)
    expect(saver.state).toBe('saved')
  })
})

describe('trouble', () => {
  it('without a network it stays on this device and is tried again, ever more rarely', async () => {
    outcomes = ['offline', 'offline', 'offline']
    saver.changed()
    await timers.pass(IDLE_MS)
    expect(saver.state).toBe('device')
    await timers.pass(5_000 + 10_000 + 30_000)
    expect(saved).toEqual([3_000, 8_000, 18_000, 48_000])
    expect(saver.state).toBe('saved')
  })

  it('an exception is as a lost line', async () => {
    saver = new Saver(
      {
        keep: async () => undefined,
        save: async () => {
          throw new TypeError('Failed to fetch')
        },
      },
      timers,
      (state) => states.push(state),
    )
    saver.changed()
    await timers.pass(IDLE_MS)
    expect(saver.state).toBe('device')
  })

  it('the network’s return is used at once', async () => {
    outcomes = ['offline']
    saver.changed()
    await timers.pass(IDLE_MS)
    saver.wake()
    await settle()
    expect(saver.state).toBe('saved')
  })

  it('two versions wait for a decision, but the device goes on keeping ours', async () => {
    outcomes = ['conflict']
    saver.changed()
    await timers.pass(IDLE_MS)
    expect(saver.state).toBe('conflict')
    const before = kept.length
    saver.changed()
    await timers.pass(60_000)
    expect(saved).toHaveLength(1)
    expect(kept.length).toBe(before + 1)
    saver.settled()
    await settle()
    expect(saver.state).toBe('saved')
  })

  it('an ended session waits for the sign-in', async () => {
    outcomes = ['signin']
    saver.changed()
    await timers.pass(120_000)
    expect(saved).toHaveLength(1)
    expect(saver.state).toBe('signin')
    saver.wake()
    await settle()
    expect(saver.state).toBe('saved')
  })

  it('what the server refuses is tried again when it was changed', async () => {
    outcomes = ['refused']
    saver.changed()
    await timers.pass(IDLE_MS + 60_000)
    expect(saver.state).toBe('refused')
    saver.changed()
    await timers.pass(IDLE_MS)
    expect(saver.state).toBe('saved')
  })
})

it('stopping waits for the save that runs, and nothing follows', async () => {
  release = () => undefined
  saver.changed()
  await timers.pass(IDLE_MS)
  let stopped = false
  const done = saver.stop().then(() => (stopped = true))
  await settle()
  expect(stopped).toBe(false)
  release()
  await done
  saver.changed()
  await timers.pass(LOCAL_BATCH_MS + CONTINUOUS_MS)
  expect(saved).toHaveLength(1)
})
