// Preferences: kept by the server, one object; a change is saved at once, and seen in
// every window of this browser.

import type { JmapClient } from '../jmap/client.ts'
import type { Preferences } from '../data/types.ts'

const PATH = '/account/preferences'
/** Some milliseconds, for what is changed together. */
const SAVE_AFTER = 30

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
  #channel: BroadcastChannel
  #timer: ReturnType<typeof setTimeout> | undefined
  /** What the server does not have yet. */
  #changed: Partial<Preferences> = {}
  #saving: Promise<void> = Promise.resolve()

  constructor(client: JmapClient, known: Partial<Preferences>) {
    this.#client = client
    this.now = { ...DEFAULTS, ...known }
    this.#channel = new BroadcastChannel(`pillarbox-preferences-${client.accountId}`)
    this.#channel.onmessage = (event) => {
      this.now = { ...this.now, ...(event.data as Partial<Preferences>) }
    }
    addEventListener('pagehide', () => {
      if (Object.keys(this.#changed).length) void this.#put(this.now).catch(() => undefined)
    })
  }

  set(changed: Partial<Preferences>): void {
    this.now = { ...this.now, ...changed }
    this.#changed = { ...this.#changed, ...changed }
    this.#channel.postMessage($state.snapshot(changed))
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => (this.#saving = this.#saving.then(() => this.#save())), SAVE_AFTER)
  }

  /** Over what another device has saved meanwhile: only what was changed here is ours to say. */
  async #save(): Promise<void> {
    const changed = this.#changed
    if (!Object.keys(changed).length) return
    this.#changed = {}
    try {
      const answer = await this.#client.request(`${PATH}?latest`)
      await this.#put({ ...((await answer.json()) as Preferences), ...changed })
    } catch {
      this.#changed = { ...changed, ...this.#changed } // with the next change
    }
  }

  async #put(preferences: Partial<Preferences>): Promise<void> {
    await this.#client.request(PATH, {
      method: 'PUT',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(preferences),
      keepalive: true,
    })
  }
}
