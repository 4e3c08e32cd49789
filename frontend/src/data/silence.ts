// The event stream tells how operations go on. Where it is silent (lost, or a server that tells
// nothing of them), they are asked for; and less and less often where that brings nothing either.

const FIRST = 5000
const MOST = 20_000

export class Silence {
  #ask: () => Promise<void>
  #pause = FIRST
  #timer: ReturnType<typeof setTimeout> | undefined

  constructor(ask: () => Promise<void>) {
    this.#ask = ask
  }

  /** The stream has told of operations. */
  ended(): void {
    this.#pause = FIRST
  }

  /** Called after all that is known of operations: whether one of them goes on. */
  watch(isAwaited: boolean): void {
    clearTimeout(this.#timer)
    if (!isAwaited) this.#pause = FIRST
    else this.#timer = setTimeout(() => void this.#over(), this.#pause)
  }

  async #over(): Promise<void> {
    this.#pause = Math.min(this.#pause * 2, MOST)
    await this.#ask()
  }
}
