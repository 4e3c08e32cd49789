// What an account still lacks: the steps of a first day, and later a way back in (web.md §2.4,
// §2.5). Asked some moments after the start, so that mail comes first.

import type { Component } from 'svelte'

import { app } from '../app.ts'
import { loadTexts } from '../i18n/t.ts'
import type { AccountState } from '../settings/account.ts'

type FirstSteps = Component<{ told: AccountState; slim: boolean }>

const DISMISSED_DAYS = 30
const DAY = 86_400_000
/** What was found last, so that the next start shows its bar with everything else. */
const KEPT = 'pillarbox-way-back'
/** Changes of these may answer what is asked here. */
const ABOUT = /^\/*(account\/)?(recovery|passkeys|checklist)/

class Welcome {
  told = $state.raw<AccountState | null>(null)
  FirstSteps = $state.raw<FirstSteps | null>(null)
  #lacks = $state(false)

  begin(): void {
    this.#lacks = localStorage.getItem(KEPT) === app.mail.accountId
    addEventListener('focus', () => this.#lacks && void this.look())
  }

  get steps(): AccountState | null {
    return this.told && !this.told.checklistDone && this.FirstSteps ? this.told : null
  }

  get lacksWayBack(): boolean {
    const at = Date.parse(String(app.prefs['recoveryDismissedAt'] ?? ''))
    return this.#lacks && !(Date.now() - at < DISMISSED_DAYS * DAY)
  }

  dismiss(): void {
    app.setPrefs({ recoveryDismissedAt: new Date().toISOString() })
  }

  /** A request of the settings was answered. */
  changed(method: string, path: string): void {
    if (method !== 'GET' && ABOUT.test(path)) void this.look()
  }

  async look(): Promise<void> {
    try {
      const told = await app.api<AccountState>('GET', 'state')
      const ways = told.recovery
      const has = !ways || ways.verified || ways.codesLeft > 0 || told.passkeys > 0
      this.#lacks = told.checklistDone && !has
      if (this.#lacks) localStorage.setItem(KEPT, app.mail.accountId)
      else localStorage.removeItem(KEPT)
      if (!told.checklistDone && !this.FirstSteps) {
        const [part] = await Promise.all([
          import('../settings/FirstSteps.svelte'),
          loadTexts('settings'),
        ])
        this.FirstSteps = part.default
      }
      this.told = told
    } catch {
      // a hint; the next start tries again
    }
  }
}

export const welcome = new Welcome()
