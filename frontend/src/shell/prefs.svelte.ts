// Preferences: kept by the server, one object; saved some moments after the last change.

import type { JmapClient } from '../jmap/client.ts'
import type { Preferences } from '../data/types.ts'

const SAVE_AFTER = 800

export const DEFAULTS: Preferences = {
  theme: 'system',
  density: 'comfortable',
  language: null,
  conversations: true,
  previews: true,
  readingPane: true,
  textSize: 16,
  shortcuts: true,
  markReadSeconds: 0,
  afterRemoval: 'next',
  sort: 'newest',
  undoSeconds: 10,
  imagesAllowedFrom: [],
  darkenedSenders: [],
  labels: [],
  savedSearches: [],
  sidebarWidth: 232,
  listWidth: 420,
  checklistDismissed: null,
}

export class Prefs {
  now = $state.raw<Preferences>(DEFAULTS)
  #client: JmapClient
  #timer: ReturnType<typeof setTimeout> | undefined
  #isDirty = false

  constructor(client: JmapClient, known: Partial<Preferences>) {
    this.#client = client
    this.now = { ...DEFAULTS, ...known }
    addEventListener('pagehide', () => void this.#save())
  }

  set(changed: Partial<Preferences>): void {
    this.now = { ...this.now, ...changed }
    this.#isDirty = true
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#save(), SAVE_AFTER)
  }

  async #save(): Promise<void> {
    if (!this.#isDirty) return
    this.#isDirty = false
    try {
      await this.#client.request('/account/preferences', {
        method: 'PUT',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(this.now),
        keepalive: true,
      })
    } catch {
      this.#isDirty = true // with the next change
    }
  }
}
