// A part of the app whose code comes when it is needed.

export class Lazy<T> {
  value = $state.raw<T | null>(null)
  #load: () => Promise<T>
  #loading: Promise<T> | null = null

  constructor(load: () => Promise<T>) {
    this.#load = load
  }

  get(): Promise<T> {
    this.#loading ??= this.#load().then(
      (value) => (this.value = value),
      (error) => {
        this.#loading = null
        throw error
      },
    )
    return this.#loading
  }
}
