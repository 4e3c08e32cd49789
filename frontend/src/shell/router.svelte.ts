// Places in the app as addresses, so that Back, reload and bookmarks do what people expect.

import type { Route } from '../data/types.ts'

const ROOT = '/mail/'

export function urlOf(route: Route): string {
  const part = encodeURIComponent
  const email = 'email' in route && route.email ? `/${part(route.email)}` : ''
  switch (route.page) {
    case 'list': {
      const [kind, keyword] = route.folder.split(':', 2)
      const folder = keyword === undefined ? part(route.folder) : `${kind}/${part(keyword)}`
      return ROOT + folder + email
    }
    case 'search':
      return `${ROOT}search${email}?q=${part(route.text)}`
    case 'settings':
      return ROOT + (route.section ? `settings/${part(route.section)}` : 'settings')
    case 'activity':
      return `${ROOT}activity`
  }
}

export function routeOf(url: URL): Route {
  const parts = url.pathname
    .slice(ROOT.length)
    .split('/')
    .filter(Boolean)
    .map((one) => decoded(one))
  const [first = 'inbox', second, third] = parts
  if (first === 'search') {
    return { page: 'search', text: url.searchParams.get('q') ?? '', email: second }
  }
  if (first === 'settings') return { page: 'settings', section: second ?? '' }
  if (first === 'activity') return { page: 'activity' }
  if (first === 'label' && second) return { page: 'list', folder: `label:${second}`, email: third }
  return { page: 'list', folder: first, email: second }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

function isSameList(a: Route, b: Route): boolean {
  return urlOf({ ...a, email: undefined } as Route) === urlOf({ ...b, email: undefined } as Route)
}

export class Router {
  route = $state.raw<Route>({ page: 'list', folder: 'inbox' })
  /** How many places of this app lie behind the one on screen. */
  #depth = 0
  /** The browser is on its way back; a second step would lead out of the app. */
  #isLeaving = false

  constructor() {
    this.route = routeOf(new URL(location.href))
    this.#depth = Number(history.state?.depth ?? 0)
    window.addEventListener('popstate', (event) => {
      this.#isLeaving = false
      this.#depth = Number(event.state?.depth ?? 0)
      this.route = routeOf(new URL(location.href))
    })
  }

  go(route: Route, options: { replace?: boolean } = {}): void {
    const url = urlOf(route)
    if (url === urlOf(this.route)) return
    // From one open message to the next: Back leads to the list, not through all that were read.
    const isNext =
      'email' in route && route.email && 'email' in this.route && this.route.email
    const isReplaced = options.replace || (isNext && isSameList(route, this.route))
    if (isReplaced) history.replaceState({ depth: this.#depth }, '', url)
    else history.pushState({ depth: ++this.#depth }, '', url)
    this.route = route
  }

  back(): void {
    const { route } = this
    if ('email' in route && route.email) {
      if (this.#isLeaving) return
      if (this.#depth > 0) {
        this.#isLeaving = true
        history.back()
      } else this.go({ ...route, email: undefined }, { replace: true })
    } else this.go({ page: 'list', folder: 'inbox' })
  }
}
