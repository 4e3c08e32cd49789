// Letters that wait for a later time, for the places that show them beside others.

import { app } from '../app.ts'
import { loadTexts } from '../i18n/t.ts'
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
