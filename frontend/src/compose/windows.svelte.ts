// The open letters, and how they come back after a reload or a crash.

import { tick } from 'svelte'

import { app, type ComposeRequest } from '../app.ts'
import { utc, type Entry } from '../outbox/entry.ts'
import { place } from '../shell/focus.ts'
import { Lazy } from '../shell/lazy.svelte.ts'
import { useWorkshop } from './clean.ts'
import type { Draft } from './draft.ts'
import { fresh } from './fresh.ts'
import { forgetIdentities, readIdentities } from './identities.ts'
import { allEntries, forgetDraft, keepDraft, keepFor, keptDraft, keptDrafts } from './keep.ts'
import { Letter, lockOf, openElsewhere } from './letter.svelte.ts'
import { rest } from './parts.ts'
import type { Identity } from './reply.ts'

const OPEN_HERE = 'pillarbox.open' // in sessionStorage: what this window shows
const MOST_OPEN = 12
const KEPT_DAYS = 30

class Windows {
  letters: Letter[] = $state([])
  /** Kept on this device, open nowhere: what a crash left. */
  left: Draft[] = $state.raw([])
  opening = $state(0)
  /** In a window of one letter: how that comes there. */
  alone: (() => Promise<void>) | null = $state.raw(null)
  /** Letters of this window that are in one of their own. */
  readonly popped = new Map<string, Window>()
  private started: Promise<void> | null = null
  private readonly out = new Lazy(async () => {
    const { outbox } = await rest.get()
    await outbox.start({
      failed: (entry) => void this.failed(entry),
      undone: (draft) => void this.show(draft),
    })
    return outbox
  })

  /** Once; shows again what was open before a reload. */
  start(): Promise<void> {
    this.started ??= this.takeUp()
    return this.started
  }

  private async takeUp(): Promise<void> {
    keepFor(app.mail.accountId)
    window.addEventListener('online', () => {
      void this.prepare()
      this.letters.forEach((one) => one.wake())
    })
    window.addEventListener('pagehide', () => this.letters.forEach((one) => void one.keepNow()))
    window.addEventListener('beforeunload', (event) => {
      if (this.letters.some((one) => one.saveState === 'unsaved' || one.isUploading))
        event.preventDefault()
    })
    app.mail.onChange('Identity', forgetIdentities)
    await useWorkshop()
    if (this.alone) {
      void this.prepare()
      return this.alone()
    }
    const here = JSON.parse(sessionStorage.getItem(OPEN_HERE) ?? '[]') as string[]
    const elsewhere = await openElsewhere()
    const kept = (await keptDrafts()).filter((one) => !elsewhere.has(lockOf(one.key)))
    const oldest = Date.now() - KEPT_DAYS * 86_400_000
    const sending = new Set((await allEntries()).map((one) => one.key))
    void this.prepare()
    for (const draft of kept) {
      if (sending.has(draft.key)) continue
      if (here.includes(draft.key)) await this.show(draft)
      else if (draft.changedAt < oldest && draft.savedAt >= draft.changedAt)
        await forgetDraft(draft.key)
      else this.left = [...this.left, draft]
    }
  }

  /** What letters need later, and the way out for those of an earlier page. */
  private async prepare(): Promise<void> {
    await this.out.get().catch(() => undefined) // whoever needs it says that it failed
  }

  async open(request: ComposeRequest): Promise<void> {
    await this.start()
    const known = this.letters.find(
      (one) => request.emailId && one.draft.emailId === request.emailId,
    )
    if ((request.mode ?? 'draft') === 'draft') {
      if (known) {
        known.minimized = false
        return
      }
      for (const [key, other] of this.popped)
        if (request.emailId && (await keptDraft(key))?.emailId === request.emailId)
          return other.focus()
    }
    if (this.letters.length >= MOST_OPEN) {
      app.toast(app.t('compose.tooManyOpen'))
      return
    }
    void this.prepare()
    this.opening++
    try {
      const identities = await readIdentities()
      const draft = await this.begin(request, identities)
      await this.show(draft, null, !draft.emailId)
    } catch (error) {
      app.toast(error instanceof Error ? error.message : app.t('compose.refused'), {
        kind: 'danger',
      })
    } finally {
      this.opening--
    }
  }

  private async begin(request: ComposeRequest, identities: Identity[]): Promise<Draft> {
    const mode = request.mode ?? (request.emailId ? 'draft' : 'new')
    if (!request.emailId || mode === 'new') return fresh(request, identities)
    const { beginWith } = await rest.get()
    return beginWith(request.emailId, mode, identities)
  }

  /** A draft as a window, as it was kept. */
  async show(kept: Draft, problem: string | null = null, isNew = false): Promise<void> {
    const { handed, ...draft } = kept
    if (this.letters.some((one) => one.key === draft.key)) return
    const identities = await readIdentities().catch(() => [])
    const letter = new Letter(
      withIdentity(draft, identities),
      identities,
      isNew || (handed?.isUntouched ?? false),
    )
    Object.assign(letter.unfinished, handed?.unfinished)
    letter.problem = problem
    letter.cameFrom = document.activeElement
    for (const other of this.letters) if (app.layout === 'one') other.minimized = true
    this.letters = [...this.letters, letter]
    this.left = this.left.filter((one) => one.key !== draft.key)
    letter.resumed()
    this.note()
  }

  async restore(key: string): Promise<void> {
    const draft = await keptDraft(key)
    this.left = this.left.filter((one) => one.key !== key)
    if (draft) await this.show(draft)
  }

  async forget(key: string): Promise<void> {
    this.left = this.left.filter((one) => one.key !== key)
    await forgetDraft(key)
  }

  async send(letter: Letter, sendAt: Date | null): Promise<void> {
    if (letter.sending) return
    letter.sending = true
    const outbox = await this.out.get() // its code is there: the letter was looked through with it
    await letter.stop()
    const { draft } = letter
    await keepDraft(draft)
    const holdSeconds = Math.min(30, Math.max(0, Number(app.prefs.undoSeconds ?? 10)))
    await outbox.add($state.snapshot(draft) as Draft, {
      holdSeconds,
      sendAt: sendAt ? utc(sendAt) : null,
    })
    this.remove(letter)
    letter.letGo()
  }

  async close(letter: Letter): Promise<void> {
    const wasUntouched = letter.isUntouched
    const isSaved = await letter.close()
    this.remove(letter)
    if (!wasUntouched) app.toast(app.t(isSaved ? 'compose.closedSaved' : 'compose.closedLocal'))
  }

  async discard(letter: Letter): Promise<void> {
    this.remove(letter)
    try {
      const back = await letter.discard()
      app.toast(app.t('compose.discarded'), {
        action: { label: app.t('compose.undo'), run: async () => this.show(await back()) },
        seconds: 10,
      })
    } catch (error) {
      letter.letGo()
      await this.show(letter.draft, (error as Error).message)
    }
  }

  async settle(letter: Letter, choice: 'mine' | 'theirs' | 'both'): Promise<void> {
    const theirs = await letter.settle(choice)
    if (choice !== 'theirs') return
    this.remove(letter)
    if (theirs) await this.open({ emailId: theirs, mode: 'draft' })
  }

  private async failed(entry: Entry): Promise<void> {
    await this.show(entry.draft, entry.problem)
    app.announce(entry.problem ?? app.t('compose.refused'))
  }

  remove(letter: Letter): void {
    this.letters = this.letters.filter((one) => one !== letter)
    this.note()
    void tick().then(() => {
      // The frame of the text had the focus, of which the page was not told.
      for (const next of [letter.cameFrom, place()]) {
        if (document.activeElement === document.body) (next as HTMLElement | null)?.focus()
      }
    })
  }

  private note(): void {
    sessionStorage.setItem(OPEN_HERE, JSON.stringify(this.letters.map((one) => one.key)))
  }
}

/** A draft of another program says only the address. */
function withIdentity(draft: Draft, identities: readonly { id: string; email: string }[]): Draft {
  if (draft.identityId && identities.some((one) => one.id === draft.identityId)) return draft
  const own = identities.find((one) => one.email.toLowerCase() === draft.from?.toLowerCase())
  const identity = own ?? identities[0]
  const from = own ? null : draft.from
  return { ...draft, identityId: identity?.id ?? null, from }
}

export const windows = new Windows()
