// Who forgot the password asks for a word of this browser (web.md §2.5). Comes when that happens.

import { mount } from 'svelte'
import { loadTexts } from '../i18n/t.ts'
import Approve from './Approve.svelte'

export interface Ask {
  id: string
  at: string
  /** In which it must be answered. */
  seconds: number
  peer: string
  agent: string
  numbers: number[]
}

class Asked {
  open = $state.raw<Ask[]>([])
  #dismissed = new Set<string>()
  #isShown = false

  async take(asks: Ask[]): Promise<void> {
    await loadTexts('settings')
    this.open = asks.filter((one) => !this.#dismissed.has(one.id))
    for (const one of asks) setTimeout(() => this.dismiss(one.id), one.seconds * 1000)
    if (this.#isShown) return
    this.#isShown = true
    mount(Approve, { target: document.getElementById('app')! })
  }

  dismiss(id: string): void {
    this.#dismissed.add(id)
    this.open = this.open.filter((one) => one.id !== id)
  }
}

export const asked = new Asked()
