// Changes of messages that could not be sent: kept on this device, shown as if they were done, and
// sent when the server answers again (web.md §2.8). A patch says what is to be, so that sending one
// twice does no harm; later ones of the same message take the place of earlier ones.

import type { JmapClient } from '../jmap/client.ts'
import { NetworkFailed } from '../jmap/errors.ts'
import type { Records } from './records.svelte.ts'
import type { Email, Id } from './types.ts'
import { type EmailPatch, patched, type Refused } from './writes.ts'

type Kept = Record<Id, EmailPatch>

export class LaterWrites {
  #client: JmapClient
  #emails: Records<Email>
  #key: string
  #takeAway: (() => void)[] = []
  #afterwards: (() => void)[] = []
  #sending: Promise<Refused[]> | null = null

  constructor(client: JmapClient, emails: Records<Email>) {
    this.#client = client
    this.#emails = emails
    this.#key = `pillarbox-later-${client.accountId}`
    this.#show()
  }

  get isEmpty(): boolean {
    return localStorage.getItem(this.#key) === null
  }

  add(patches: Map<Id, EmailPatch>): void {
    const kept = this.#kept()
    for (const [id, patch] of patches) kept[id] = { ...kept[id], ...patch }
    this.#keep(kept)
  }

  /** When everything that waits now was sent. */
  afterwards(call: () => void): void {
    if (this.isEmpty) call()
    else this.#afterwards.push(call)
  }

  /** Of these rows, those that are in that mailbox no more. */
  goneFrom(mailboxId: Id, rows: Id[]): Id[] {
    const kept = this.#kept()
    return rows.filter((id) => kept[id]?.[`mailboxIds/${mailboxId}`] === null)
  }

  /** Sends what waits; gives what the server refused. Whatever it cannot send goes on waiting. */
  async send(): Promise<Refused[]> {
    if (this.isEmpty) return []
    const turn = () => this.#send()
    this.#sending ??= (navigator.locks ? navigator.locks.request(this.#key, turn) : turn()).finally(
      () => (this.#sending = null),
    )
    return this.#sending
  }

  async #send(): Promise<Refused[]> {
    const refused: Refused[] = []
    const portion = this.#client.limit('maxObjectsInSet')
    for (;;) {
      const part = Object.entries(this.#kept()).slice(0, portion)
      if (!part.length) break
      try {
        const update = Object.fromEntries(part)
        const answer = await this.#client.call('Email/set', { update })
        for (const [id, error] of Object.entries(answer.notUpdated ?? {})) refused.push({ id, error })
      } catch (error) {
        if (error instanceof NetworkFailed) return refused
        this.#sent(part)
        throw error
      }
      this.#sent(part)
    }
    for (const call of this.#afterwards.splice(0)) call()
    return refused
  }

  /** But what was changed meanwhile is still to be sent. */
  #sent(part: [Id, EmailPatch][]): void {
    const kept = this.#kept()
    for (const [id, patch] of part) {
      if (JSON.stringify(kept[id]) !== JSON.stringify(patch)) continue
      delete kept[id]
      this.#emails.settle(id, (email) => patched(email, patch))
    }
    this.#keep(kept)
  }

  #kept(): Kept {
    try {
      return JSON.parse(localStorage.getItem(this.#key) ?? '{}') as Kept
    } catch {
      return {}
    }
  }

  #keep(kept: Kept): void {
    if (Object.keys(kept).length) localStorage.setItem(this.#key, JSON.stringify(kept))
    else localStorage.removeItem(this.#key)
    this.#show()
  }

  #show(): void {
    for (const takeAway of this.#takeAway) takeAway()
    this.#takeAway = Object.entries(this.#kept()).map(([id, patch]) =>
      this.#emails.overlay(id, (email) => patched(email, patch)),
    )
  }
}
