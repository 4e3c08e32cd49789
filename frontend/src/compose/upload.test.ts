import { describe, expect, it } from 'vitest'
import { judge, Upload, type Attempt, type Transfer } from './upload.ts'

function transfer(attempts: (Attempt | 'throw')[]) {
  const log: string[] = []
  const made: Transfer = {
    async send(file, progress) {
      const next = attempts.shift()!
      log.push('send')
      progress(file.size / 2)
      if (next === 'throw') throw new TypeError('network')
      return next
    },
    async wait(ms) {
      log.push(`wait ${ms}`)
    },
    async signedIn() {
      log.push('signed in')
    },
  }
  return { made, log }
}
const done: Attempt = { kind: 'done', file: { blobId: 'B1', size: 4 } }
const file = new Blob(['abcd'])
const start = (attempts: (Attempt | 'throw')[]) => {
  const { made, log } = transfer(attempts)
  const sent: number[] = []
  const upload = new Upload(file, made, (one) => sent.push(one.sent))
  return { upload, log, sent }
}

describe('upload', () => {
  it('goes through at once', async () => {
    const { upload, sent } = start([done])
    expect(await upload.run()).toEqual({ blobId: 'B1', size: 4 })
    expect(upload.state).toBe('done')
    expect(sent).toEqual([0, 2, 4])
  })

  it('a line that drops twice still brings it once', async () => {
    const { upload, log } = start([{ kind: 'lost' }, 'throw', done])
    expect(await upload.run()).not.toBeNull()
    expect(log).toEqual(['send', 'wait 1000', 'send', 'wait 3000', 'send'])
  })

  it('gives up after three retries', async () => {
    const { upload, log } = start(Array<Attempt>(9).fill({ kind: 'lost' }))
    expect(await upload.run()).toBeNull()
    expect(upload.state).toBe('failed')
    expect(log.filter((line) => line === 'send')).toHaveLength(4)
  })

  it('can be run again by hand', async () => {
    const { upload } = start([...Array<Attempt>(4).fill({ kind: 'lost' }), done])
    await upload.run()
    expect(await upload.run()).toEqual({ blobId: 'B1', size: 4 })
  })

  it('a refusal is not repeated', async () => {
    const { upload, log } = start([{ kind: 'refused', status: 413 }])
    expect(await upload.run()).toBeNull()
    expect(upload.status).toBe(413)
    expect(log).toEqual(['send'])
  })

  it('waits for the sign-in, as often as it takes', async () => {
    const signin: Attempt = { kind: 'signin' }
    const { upload, log } = start([signin, signin, signin, signin, signin, done])
    expect(await upload.run()).not.toBeNull()
    expect(log.filter((line) => line === 'signed in')).toHaveLength(5)
  })

  it('waits as long as the server says', async () => {
    const { upload, log } = start([{ kind: 'busy', seconds: 7 }, done])
    await upload.run()
    expect(log[1]).toBe('wait 7000')
  })

  it('a cancelled one says nothing more', async () => {
    const { upload } = start([{ kind: 'lost' }, done])
    const running = upload.run()
    upload.cancel()
    expect(await running).toBeNull()
    expect(upload.state).toBe('cancelled')
  })
})

it.each([
  [201, '{"blobId":"b","size":1}', { kind: 'done', file: { blobId: 'b', size: 1 } }],
  [0, '', { kind: 'lost' }],
  [502, '', { kind: 'lost' }],
  [408, '', { kind: 'lost' }],
  [401, '', { kind: 'signin' }],
  [413, '', { kind: 'refused', status: 413 }],
  [503, '', { kind: 'busy', seconds: 5 }],
])('status %i', (status, body, attempt) => {
  expect(judge(status, body, status === 503 ? '5' : null)).toEqual(attempt)
})
