// Files go up as soon as they are dropped; what the line swallows is sent again.

export interface Uploaded {
  blobId: string
  size: number
}

/** What became of one attempt. */
export type Attempt =
  | { kind: 'done'; file: Uploaded }
  | { kind: 'lost' } // the line, or a server that may recover
  | { kind: 'busy'; seconds: number } // the server says when
  | { kind: 'signin' }
  | { kind: 'refused'; status: number }

export interface Transfer {
  /** One attempt; `progress` gets the octets that are through. */
  send(file: Blob, progress: (octets: number) => void, signal: AbortSignal): Promise<Attempt>
  wait(ms: number, signal: AbortSignal): Promise<void>
  /** Resolves when somebody has signed in again. */
  signedIn(signal: AbortSignal): Promise<void>
}

export type UploadState = 'waiting' | 'running' | 'again' | 'done' | 'failed' | 'cancelled'

export const RETRIES = 3
const PAUSES_MS = [1_000, 3_000, 9_000]
const LONGEST_PAUSE_MS = 60_000

/** One file's way up, with its retries. */
export class Upload {
  state: UploadState = 'waiting'
  sent = 0
  status = 0 // of a refusal
  private readonly stop = new AbortController()

  constructor(
    readonly file: Blob,
    private readonly transfer: Transfer,
    private readonly told: (upload: Upload) => void,
  ) {}

  get total(): number {
    return this.file.size
  }

  cancel(): void {
    if (this.state === 'done') return
    this.stop.abort()
    this.become('cancelled')
  }

  /** Until it is up, refused, cancelled or has failed too often. */
  async run(): Promise<Uploaded | null> {
    for (let failures = 0; ;) {
      this.sent = 0
      this.become('running')
      const attempt = await this.attempt()
      if (this.stop.signal.aborted) return null
      if (attempt.kind === 'done') {
        this.sent = this.total
        this.become('done')
        return attempt.file
      }
      if (attempt.kind === 'refused' || (attempt.kind !== 'signin' && failures >= RETRIES)) {
        this.status = attempt.kind === 'refused' ? attempt.status : 0
        this.become('failed')
        return null
      }
      this.become('again')
      if (attempt.kind === 'signin') await this.transfer.signedIn(this.stop.signal)
      else await this.transfer.wait(pause(attempt, failures++), this.stop.signal)
      if (this.stop.signal.aborted) return null
    }
  }

  private async attempt(): Promise<Attempt> {
    try {
      return await this.transfer.send(
        this.file,
        (octets) => this.progress(octets),
        this.stop.signal,
      )
    } catch {
      return { kind: 'lost' }
    }
  }

  private progress(octets: number): void {
    this.sent = octets
    this.told(this)
  }

  private become(state: UploadState): void {
    if (this.state === 'cancelled') return
    this.state = state
    this.told(this)
  }
}

function pause(attempt: Attempt, failures: number): number {
  if (attempt.kind === 'busy') return Math.min(attempt.seconds * 1000, LONGEST_PAUSE_MS)
  return PAUSES_MS[Math.min(failures, PAUSES_MS.length - 1)]!
}

/** An answer's status as an attempt. */
export function judge(status: number, body: string, retryAfter: string | null): Attempt {
  if (status === 0) return { kind: 'lost' }
  if (status === 200 || status === 201) {
    return { kind: 'done', file: JSON.parse(body) as Uploaded }
  }
  if (status === 401) return { kind: 'signin' }
  if (status === 429 || status === 503) {
    return { kind: 'busy', seconds: Math.max(1, Number(retryAfter) || 2) }
  }
  return status >= 500 || status === 408 ? { kind: 'lost' } : { kind: 'refused', status }
}

export interface UploadRoute {
  url: string
  csrf: () => string
  signedIn: (signal: AbortSignal) => Promise<void>
}

/** Through XMLHttpRequest: fetch() does not tell how much is through. */
export function browserTransfer(route: UploadRoute): Transfer {
  return {
    signedIn: route.signedIn,
    wait: (ms, signal) =>
      new Promise((resolve) => {
        const timer = window.setTimeout(resolve, ms)
        signal.addEventListener('abort', () => {
          window.clearTimeout(timer)
          resolve()
        })
      }),
    send: (file, progress, signal) =>
      new Promise((resolve) => {
        const request = new XMLHttpRequest()
        request.open('POST', route.url)
        request.setRequestHeader('Content-Type', file.type || 'application/octet-stream')
        request.setRequestHeader('X-Csrf-Token', route.csrf())
        request.upload.onprogress = (event) => progress(event.loaded)
        request.onload = () => {
          const after = request.getResponseHeader('Retry-After')
          resolve(judge(request.status, request.responseText, after))
        }
        request.onerror = request.ontimeout = () => resolve({ kind: 'lost' })
        request.onabort = () => resolve({ kind: 'lost' })
        signal.addEventListener('abort', () => request.abort())
        request.send(file)
      }),
  }
}
