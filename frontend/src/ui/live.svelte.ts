// What is said to those who listen: one polite region, one sentence at a time.

export class Live {
  text = $state('')
  #timer: ReturnType<typeof setTimeout> | undefined

  say(text: string): void {
    // The same sentence twice is not a change, and would not be read.
    this.text = ''
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => (this.text = text), 50)
  }
}
