// Questions to the person that stand over everything: sure?, your password?, sign in again.

import type { App } from '../app.ts'

type Asked = Parameters<App['confirm']>[0]

export type Question =
  | ({ kind: 'sure' } & Asked & { answer: (yes: boolean) => void })
  | { kind: 'password'; answer: (yes: boolean) => void }
  | { kind: 'sign-in'; answer: (csrf: string) => void }

export class Asking {
  open = $state.raw<Question[]>([])
  /** The page goes away: it asks nobody to sign in. */
  isLeaving = $state(false)
  #signIn: Promise<string> | null = null

  /** Nothing of the mail may be seen. */
  get isVeiled(): boolean {
    return this.isLeaving || this.isSignedOut
  }

  /** The session has ended: whoever sits here now may be somebody else. */
  get isSignedOut(): boolean {
    return this.open.some((one) => one.kind === 'sign-in')
  }

  sure(asked: Asked): Promise<boolean> {
    return this.#ask((answer) => ({ kind: 'sure', ...asked, answer }))
  }

  password(): Promise<boolean> {
    return this.#ask((answer) => ({ kind: 'password', answer }))
  }

  /** One sheet, however many requests wait for it. */
  signIn(): Promise<string> {
    this.#signIn ??= this.#ask<string>((answer) => ({ kind: 'sign-in', answer })).finally(() => {
      this.#signIn = null
    })
    return this.#signIn
  }

  #ask<T>(make: (answer: (value: T) => void) => Question): Promise<T> {
    return new Promise((resolve) => {
      const question = make((value) => {
        this.open = this.open.filter((one) => one !== question)
        resolve(value)
      })
      this.open = [...this.open, question]
    })
  }
}
