// One open letter: what the window shows, and everything that happens to it.

import { app } from '../app.ts'
import { ownText, parseHtml, sameLetter, type Draft, type DraftFile } from './draft.ts'
import type { speaksOfAttachment } from './forgotten.ts'
import { forgetDraft, forgetFile, keepDraft, keepFile, keptFile } from './keep.ts'
import { htmlToText, textToHtml } from './plain.ts'
import { rest } from './parts.ts'
import type { Identity } from './reply.ts'
import { Saver, windowTimers, type SaveOutcome, type SaveState } from './saver.ts'
import { withSignature, withTextSignature } from './signature.ts'
import type { Upload, UploadState } from './upload.ts'

export interface FileView {
  key: string
  state: UploadState
  sent: number
  status: number
}

/** What the letter lacks before it can be sent. */
export type Lack = 'recipient' | 'address' | 'upload' | 'failedUpload' | 'attachment' | 'subject'

export class Letter {
  draft: Draft = $state.raw({} as Draft)
  identities: Identity[] = $state.raw([])
  saveState: SaveState = $state('unchanged')
  savedAt = $state(0)
  problem: string | null = $state(null)
  uploads: Record<string, FileView> = $state({})
  /** Handed back; they may go as links. */
  tooLarge: File[] = $state.raw([])
  minimized = $state(false)
  full = $state(false)
  /** Typed into a recipient field, but not an address yet. */
  unfinished: Record<string, string> = $state({})
  /** Grows when the text was changed from outside the editor. */
  textVersion = $state(0)
  sending = $state(false)
  /** What had the focus before the window. */
  cameFrom: Element | null = null

  private readonly saver: Saver
  private readonly running = new Map<string, Upload>()
  /** As it was opened, where nobody had written anything of it yet. */
  private readonly made: Draft | null
  /** Whether the problem is one of saving. */
  private isUnsaved = false
  private release: () => void = () => undefined
  /** Files on their way onto this device. */
  private keeping: Promise<unknown> = Promise.resolve()

  constructor(draft: Draft, identities: Identity[], isNew: boolean) {
    this.draft = draft
    this.identities = identities
    this.savedAt = draft.savedAt
    this.made = isNew ? draft : null
    this.saver = new Saver(
      { keep: () => this.keep(), save: () => this.save() },
      windowTimers,
      (state) => {
        this.saveState = state
        if (state === 'saved') this.savedAt = Date.now()
      },
    )
    void this.hold()
  }

  get key(): string {
    return this.draft.key
  }

  get identity(): Identity | null {
    return this.identities.find((one) => one.id === this.draft.identityId) ?? null
  }

  get isPending(): boolean {
    return this.saver.isPending
  }

  get isUploading(): boolean {
    return Object.values(this.uploads).some((one) =>
      ['waiting', 'running', 'again'].includes(one.state),
    )
  }

  /** Whether nothing would be lost with it; a quote or a signature alone is nothing. */
  get isUntouched(): boolean {
    return this.made !== null && this.draft.emailId === null && sameLetter(this.draft, this.made)
  }

  /** The person changed something. */
  change(parts: Partial<Draft>): void {
    this.draft = { ...this.draft, ...parts, changedAt: Date.now() }
    this.saver.changed()
  }

  /** As it came from this device: the server may not have it. */
  resumed(): void {
    if (!this.isUntouched && this.draft.changedAt > this.draft.savedAt) this.saver.changed()
    for (const file of this.draft.files) if (file.blobId === null) void this.uploadKept(file)
  }

  wake(): void {
    this.saver.wake()
  }

  keepNow(): Promise<void> {
    return this.saver.keepNow()
  }

  saveNow(): Promise<void> {
    return this.saver.saveNow()
  }

  // ── the person's choices ────────────────────────────────────────────────────────────────────

  setIdentity(id: string): void {
    const before = this.identity
    const after = this.identities.find((one) => one.id === id) ?? null
    const bcc = this.draft.bcc.filter(
      (one) => !(before?.bcc ?? []).some((old) => old.email === one.email),
    )
    const parts: Partial<Draft> = {
      identityId: id,
      from: null,
      bcc: [...bcc, ...(after?.bcc ?? [])],
    }
    if (this.draft.plain) parts.text = withTextSignature(this.draft.text, before, after)
    else parts.html = withSignature(this.draft.html, after)
    this.change(parts)
    this.textVersion++
  }

  setPlain(plain: boolean): void {
    if (plain === this.draft.plain) return
    if (plain) this.change({ plain, text: htmlToText(parseHtml(this.draft.html)) })
    else this.change({ plain, html: textToHtml(this.draft.text) })
    this.textVersion++
  }

  // ── files ───────────────────────────────────────────────────────────────────────────────────

  get mostOctets(): number {
    return app.client.limit('maxSizeUpload')
  }

  /** Up they go; those that are too large are handed back. */
  addFiles(files: readonly File[]): File[] {
    const tooLarge: File[] = []
    for (const file of files) {
      if (file.size > this.mostOctets) tooLarge.push(file)
      else void this.upload(this.addFile(file, null), file)
    }
    return tooLarge
  }

  /** A picture inside the text; resolves with what the editor shows, at once. */
  addPicture(file: File): { source: string; cid: string } | null {
    if (file.size > this.mostOctets) return null
    const cid = `${crypto.randomUUID()}@pillarbox`
    void this.upload(this.addFile(file, cid), file)
    return { source: URL.createObjectURL(file), cid }
  }

  cancelFile(key: string): void {
    this.running.get(key)?.cancel()
    this.running.delete(key)
    delete this.uploads[key]
    this.change({ files: this.draft.files.filter((file) => file.key !== key) })
    void forgetFile(this.key, key)
  }

  async retryFile(key: string): Promise<void> {
    const file = this.draft.files.find((one) => one.key === key)
    if (file) await this.uploadKept(file)
  }

  private addFile(file: File, cid: string | null): DraftFile {
    const added: DraftFile = {
      key: crypto.randomUUID(),
      blobId: null,
      name: file.name || app.t('compose.unnamedFile'),
      type: file.type || 'application/octet-stream',
      size: file.size,
      cid,
    }
    this.change({ files: [...this.draft.files, added] })
    return added
  }

  private async uploadKept(file: DraftFile): Promise<void> {
    const blob = await keptFile(this.key, file.key)
    if (blob) await this.upload(file, blob)
    else this.note(file, { state: 'failed', sent: 0, status: 0 }) // it is not sent without being asked
  }

  private async upload(file: DraftFile, blob: Blob): Promise<void> {
    this.note(file, { state: 'waiting', sent: 0, status: 0 })
    const kept = keepFile(this.key, file.key, blob).catch(() => undefined) // a full disk only costs a retry
    this.keeping = Promise.all([this.keeping, kept])
    await kept
    const part = await rest.get().catch((error: Error) => {
      this.problem = error.message
      return null
    })
    if (!this.draft.files.some((one) => one.key === file.key)) return
    if (!part) return this.note(file, { state: 'failed', sent: 0, status: 0 })
    const transfer = part.browserTransfer({
      url: app.client.uploadUrl,
      csrf: () => app.client.csrf,
      signedIn: async (signal) => {
        await app.client.request('/account/state', { signal }) // opens the sheet and waits for it
      },
    })
    const upload = new part.Upload(blob, transfer, (one) => {
      if (this.running.has(file.key)) this.note(file, one)
    })
    this.running.set(file.key, upload)
    const done = await upload.run()
    if (!done || !this.draft.files.some((one) => one.key === file.key)) return
    delete this.uploads[file.key]
    this.running.delete(file.key)
    this.change({
      files: this.draft.files.map((one) =>
        one.key === file.key ? { ...one, blobId: done.blobId, size: done.size } : one,
      ),
    })
  }

  private note(file: DraftFile, { state, sent, status }: Omit<FileView, 'key'>): void {
    this.uploads[file.key] = { key: file.key, state, sent, status }
  }

  // ── keeping ─────────────────────────────────────────────────────────────────────────────────

  private async keep(): Promise<void> {
    if (this.isUntouched) return
    await keepDraft({ ...this.draft, localAt: Date.now() })
  }

  private async save(): Promise<SaveOutcome> {
    if (this.isUntouched) return 'saved'
    const { saveDraft } = await rest.get()
    const told = await saveDraft(this.draft, this.identity)
    if (told.kind === 'offline') return 'offline'
    if (told.kind === 'blobs') return this.renewBlobs()
    if (told.kind === 'refused') {
      this.problem = told.problem
      this.isUnsaved = true
      return 'refused'
    }
    // Why it could not be sent stays until it was read.
    if (this.isUnsaved) this.problem = null
    this.isUnsaved = false
    this.draft = { ...this.draft, emailId: told.emailId, savedAt: Date.now() }
    await keepDraft({ ...this.draft, localAt: Date.now() })
    return told.kind
  }

  /** The server forgets files after some hours; the version it has still holds them. */
  private async renewBlobs(): Promise<SaveOutcome> {
    const { filesOf } = await rest.get()
    const files = await filesOf(this.draft.emailId, this.draft.files)
    this.draft = { ...this.draft, files }
    for (const file of files) if (file.blobId === null) void this.uploadKept(file)
    return 'offline' // tried again in some seconds
  }

  /** Two versions: keep ours, take theirs, or leave both. */
  async settle(choice: 'mine' | 'theirs' | 'both'): Promise<string | null> {
    const { destroyEmail, otherVersions } = await rest.get()
    const others = (await otherVersions(this.draft)).filter((one) => one.keywords['$draft'])
    if (choice === 'mine') {
      for (const one of others) await destroyEmail(one.id)
      this.saver.settled()
      return null
    }
    if (choice === 'both') {
      // A letter of its own from now on.
      this.draft = {
        ...this.draft,
        messageId: `${crypto.randomUUID()}@${this.draft.messageId.split('@')[1]}`,
      }
      this.saver.settled()
      return null
    }
    await this.discard()
    return others[0]?.id ?? null // null: sent or thrown away over there
  }

  // ── the end ─────────────────────────────────────────────────────────────────────────────────

  /** Why it should not be sent yet; `agreed` are those that the person has been asked about. */
  lacks(agreed: ReadonlySet<Lack>, speaks: typeof speaksOfAttachment): Lack | null {
    const { to, cc, bcc, files, subject } = this.draft
    if (Object.values(this.unfinished).some((text) => text.trim() !== '')) return 'address'
    if (to.length + cc.length + bcc.length === 0) return 'recipient'
    if (Object.values(this.uploads).some((one) => one.state === 'failed')) return 'failedUpload'
    if (this.isUploading || files.some((file) => file.blobId === null)) return 'upload'
    const text = ownText(this.draft)
    const hasFile = files.some((file) => file.cid === null)
    if (!agreed.has('attachment') && !hasFile && speaks(subject, text)) return 'attachment'
    return !agreed.has('subject') && subject.trim() === '' ? 'subject' : null
  }

  /** No more saving: the outbox has it. */
  async stop(): Promise<void> {
    await this.saver.stop()
  }

  /** Back from the outbox. */
  again(problem: string | null): void {
    this.sending = false
    this.problem = problem
    this.saver.resume()
  }

  /** The window closes; what was written is in Drafts. False while only this device has it. */
  async close(): Promise<boolean> {
    if (this.isUntouched) {
      await this.saver.stop()
      await forgetDraft(this.key)
      this.release()
      return true
    }
    if (this.saver.isPending) {
      await this.saver.keepNow()
      await this.saver.saveNow()
    }
    const isSaved = !this.saver.isPending && !this.isUploading
    await this.saver.stop()
    if (isSaved) await forgetDraft(this.key)
    this.release()
    return isSaved
  }

  /** As another window is to have it. */
  handed(): Draft {
    const { isUntouched } = this
    const unfinished = { ...this.unfinished }
    return { ...this.draft, handed: { isUntouched, unfinished }, localAt: Date.now() }
  }

  /** Another window of this browser goes on with it. */
  async handOver(): Promise<void> {
    await this.saver.stop()
    for (const upload of this.running.values()) upload.cancel()
    await this.keeping
    await keepDraft(this.handed())
    this.release()
  }

  /** Thrown away; tells how it comes back. */
  async discard(): Promise<() => Promise<Draft>> {
    await this.saver.stop()
    for (const upload of this.running.values()) upload.cancel()
    const back = await (await rest.get()).throwAway(this.draft)
    this.release()
    return back
  }

  /** The outbox looks after it from now on. */
  letGo(): void {
    this.release()
  }

  /** Other windows of this browser see that it is open here. */
  private async hold(): Promise<void> {
    const until = new Promise<void>((resolve) => (this.release = resolve))
    await navigator.locks?.request(lockOf(this.key), () => until)
  }
}

export function lockOf(key: string): string {
  return `pillarbox-letter-${key}`
}

/** Letters that some window of this browser has open. */
export async function openElsewhere(): Promise<Set<string>> {
  const state = await navigator.locks?.query()
  return new Set((state?.held ?? []).map((lock) => lock.name ?? ''))
}
