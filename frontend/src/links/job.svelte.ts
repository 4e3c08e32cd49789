// One file on its way up, to be sent as a link; it goes on while its letter's window is minimized.

import { tick } from 'svelte'
import { app } from '../app.ts'
import type { Letter } from '../compose/letter.svelte.ts'
import { browserTransfer, Upload, type UploadState } from '../compose/upload.ts'
import { windows } from '../compose/windows.svelte.ts'
import { size } from '../ui/format.ts'
import { insertLink } from './insert.ts'
import { dateOf, links, type MadeLink } from './links.ts'

const jobs = new WeakMap<File, Job>()
let before: Promise<unknown> = Promise.resolve() // one behind the other: they share the line

export class Job {
  state: UploadState | 'offered' = $state('offered')
  sent = $state(0)
  status = $state(0)
  days = $state(0)
  /** What shows the letter. */
  window: Element | null = null
  private readonly key = crypto.randomUUID()
  private upload: Upload | null = null

  constructor(
    private readonly letter: Letter,
    readonly file: File,
  ) {}

  get isUnderWay(): boolean {
    return ['waiting', 'running', 'again'].includes(this.state)
  }

  async start(): Promise<void> {
    const { file } = this
    const wish = new URLSearchParams({ name: file.name, days: String(this.days) })
    const transfer = browserTransfer({
      url: `/account/links?${wish}`,
      csrf: () => app.client.csrf,
      signedIn: async (signal) => {
        await app.client.request('/account/state', { signal }) // opens the sheet and waits for it
      },
    })
    const upload = (this.upload = new Upload(file, transfer, (one) => this.told(one)))
    this.told(upload)
    const turn = before
    const done = turn.then(() => (upload.state === 'cancelled' ? null : upload.run()))
    before = done.catch(() => undefined)
    const made = (await done) as unknown as MadeLink | null
    if (made) await this.finish(made)
  }

  /** Nothing of it stays: neither here nor on the server. */
  cancel(): void {
    this.upload?.cancel()
    this.drop()
  }

  /** Its row is gone: the window is minimized, or closed. */
  async left(): Promise<void> {
    this.window = null
    await tick() // while rows go, windows are told as they were before
    if (!windows.letters.includes(this.letter)) this.cancel()
  }

  private async finish(made: MadeLink): Promise<void> {
    const isWanted = this.letter.tooLarge.includes(this.file)
    if (!isWanted || !windows.letters.includes(this.letter)) {
      await links.withdraw(made.id) // the letter is gone: nobody would learn the address
      return
    }
    const date = dateOf(made.expiresAt)
    const line = app.t('links.inLetter', { name: made.name, size: size(made.size), date })
    insertLink(this.letter, this.window, line, made.url)
    if (this.letter.problem?.includes(this.file.name)) this.letter.problem = null
    app.announce(app.t('links.inserted', { date }))
    this.drop()
  }

  private drop(): void {
    delete this.letter.uploads[this.key]
    this.letter.tooLarge = this.letter.tooLarge.filter((one) => one !== this.file)
    jobs.delete(this.file)
  }

  /** The letter knows of it, too: it is not sent before the link is in it. */
  private told({ state, sent, status }: Upload): void {
    this.state = state
    this.sent = sent
    this.status = status
    if (state === 'cancelled' || state === 'done') return
    this.letter.uploads[this.key] = { key: this.key, state, sent, status }
  }
}

export function jobOf(letter: Letter, file: File): Job {
  const known = jobs.get(file) ?? new Job(letter, file)
  jobs.set(file, known)
  return known
}
