// Letters that wait for a later time, for the places that show them beside others.

import { app } from '../app.ts'
import type { Id } from '../data/types.ts'
import { sending } from '../bulk/discards.svelte.ts'
import { currentLocale, loadTexts } from '../i18n/t.ts'
import { pendingSubmissions, takeBack, type Scheduled } from './submission.ts'

const LATER_MS = 60_000 // what can still be taken back for some seconds has a notice of its own

class Waiting {
  all: Scheduled[] = $state.raw([])
  private started: Promise<void> | null = null

  start(): Promise<void> {
    this.started ??= this.begin()
    return this.started
  }

  private async begin(): Promise<void> {
    await Promise.all([loadTexts('compose'), loadTexts('settings')])
    app.mail.onChange('EmailSubmission', () => void this.load())
    await this.load()
    sending.note = (id) => this.note(id)
  }

  /** For the row of a list: when it goes. */
  private note(id: Id): string | null {
    const at = this.all.find((one) => one.emailId === id)?.sendAt
    if (at === undefined) return null
    const format = new Intl.DateTimeFormat(currentLocale(), {
      month: 'short', day: 'numeric', hour: 'numeric', minute: 'numeric',
    })
    return app.t('compose.scheduled', { when: format.format(new Date(at)) })
  }

  async load(): Promise<void> {
    const found = await pendingSubmissions().catch(() => this.all)
    this.all = found.filter((one) => Date.parse(one.sendAt) - Date.now() > LATER_MS)
  }

  /** It is a draft again, and open. */
  async back(one: Scheduled): Promise<void> {
    const outcome = await takeBack(one.id)
    if (outcome === 'undone') app.compose({ emailId: one.emailId, mode: 'draft' })
    else {
      const text = outcome === 'tooLate' ? 'compose.undoTooLate' : 'compose.undoOffline'
      app.toast(app.t(text), { kind: 'danger' })
    }
    await this.load()
  }
}

export const waiting = new Waiting()
