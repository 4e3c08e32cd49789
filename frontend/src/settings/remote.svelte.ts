// What a page of settings shows comes from the server: being read, there, missing, or failed.

import { app } from '../app.ts'
import { refusal } from '../i18n/refusal.ts'
import { CallFailed, RequestFailed } from '../jmap/errors.ts'

export class Remote<T> {
  value: T | null = $state.raw(null)
  problem: string | null = $state(null)
  /** The server does not have this part. */
  missing = $state(false)

  constructor(private readonly read: () => Promise<T>) {
    void this.load()
  }

  async load(): Promise<void> {
    this.problem = null
    try {
      this.value = await this.read()
    } catch (error) {
      if (error instanceof RequestFailed && error.status === 404) this.missing = true
      else this.problem = problemOf(error)
    }
  }
}

/** What a button does: busy while it runs, and what went wrong in words. */
export class Task {
  busy = $state(false)
  problem: string | null = $state(null)
  done = $state(false)

  async run(work: () => Promise<unknown>): Promise<boolean> {
    if (this.busy) return false
    this.busy = true
    this.problem = null
    this.done = false
    try {
      await work()
      this.done = true
      return true
    } catch (error) {
      this.problem = problemOf(error)
      return false
    } finally {
      this.busy = false
    }
  }
}

export function problemOf(error: unknown): string {
  if (error instanceof DOMException && error.name === 'NotAllowedError')
    return app.t('settings.cancelled')
  if (error instanceof CallFailed) return refusal({ description: error.message })
  if (error instanceof Error && error.name !== 'NetworkFailed') return error.message
  return app.t('settings.noAnswer')
}
