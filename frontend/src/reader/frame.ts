// One message's frame: told when it has come, kept as high as its content, its links and keys led
// back to the app. No script runs in there (sandbox and CSP of web.md §4.3); these are listeners of
// ours on its document, which the sandbox lets us see because it is of the same origin.

import type { Facts } from './details.svelte.ts'
import { Height } from './height.ts'
import type { Outcome, Reason } from './ladder.ts'

/** The sandbox of web.md §4.3: same origin so that its height can be seen, never scripts. */
export const SANDBOX = 'allow-same-origin allow-popups allow-popups-to-escape-sandbox'
const LOOK_EVERY = 10 // ms, only until the message is there

const BY_STATUS: Readonly<Record<number, Reason>> = {
  401: 'signed-out', 403: 'refused', 404: 'gone', 410: 'gone', 429: 'busy', 502: 'busy', 503: 'busy', 504: 'busy',
}

export function documentOf(frame: HTMLIFrameElement): Document | null {
  try {
    return frame.contentDocument
  } catch {
    return null // another origin's: the browser's own page for a failed request
  }
}

/** Tells the outcome as soon as there is text, without waiting for images. */
export function watch(frame: HTMLIFrameElement, outcome: Outcome): () => void {
  let began = false
  const look = (): void => {
    const page = documentOf(frame)
    if (!page || page.URL === 'about:blank') return
    if (!began) outcome.headers()
    began = true
    if (page.readyState !== 'loading') settle(page)
  }
  const settle = (page: Document): void => {
    end()
    const kind = page.documentElement.dataset.kind
    if (kind === 'html' || kind === 'text') outcome.shown()
    else outcome.failed(reasonOf(page))
  }
  const loaded = (): void => {
    const page = documentOf(frame)
    if (page?.URL === 'about:blank') return // the empty page that a frame begins with
    if (page) settle(page)
    else {
      end()
      outcome.failed('unreachable')
    }
  }
  const timer = setInterval(look, LOOK_EVERY)
  frame.addEventListener('load', loaded)
  const end = (): void => {
    clearInterval(timer)
    frame.removeEventListener('load', loaded)
  }
  return end
}

/** Our own answers name the status in the page; those of a proxy before us do not. */
function reasonOf(page: Document): Reason {
  const [entry] = page.defaultView?.performance.getEntriesByType('navigation') ?? []
  const seen = (entry as PerformanceNavigationTiming | undefined)?.responseStatus
  return BY_STATUS[Number(page.body?.dataset.status ?? seen ?? 0)] ?? 'refused'
}

/** Whether the server made it dark for us; what has its own colours stays on white paper. */
export function isOnPaper(frame: HTMLIFrameElement): boolean {
  return documentOf(frame)?.documentElement.dataset.theme === 'light'
}

/** What the server tells of the message, which comes with it. */
export function factsIn(frame: HTMLIFrameElement): Facts | null {
  const told = documentOf(frame)?.documentElement.dataset.facts
  return told ? (JSON.parse(told) as Facts) : null
}

/** Keeps the frame as high as what is in it. */
export function fit(frame: HTMLIFrameElement): () => void {
  const page = documentOf(frame)
  if (!page) return () => undefined
  const height = new Height()
  let timer: ReturnType<typeof setTimeout> | undefined
  let width = frame.clientWidth
  const adjust = (): void => {
    if (frame.clientWidth === 0) return // hidden
    if (frame.clientWidth !== width) height.forget()
    width = frame.clientWidth
    const { set, wait } = height.propose(heightOf(page), performance.now())
    if (set !== null) frame.style.height = `${String(set)}px`
    clearTimeout(timer)
    if (wait !== null) timer = setTimeout(adjust, wait)
  }
  const observer = new ResizeObserver(adjust)
  observer.observe(page.documentElement)
  if (page.body) observer.observe(page.body)
  observer.observe(frame)
  // Images change the size of what is inside without ours being told in every browser.
  page.addEventListener('load', adjust, true)
  adjust()
  return () => {
    observer.disconnect()
    clearTimeout(timer)
    page.removeEventListener('load', adjust, true)
  }
}

function heightOf(page: Document): number {
  const root = page.documentElement
  const content = Math.max(root.getBoundingClientRect().height, page.body?.scrollHeight ?? 0)
  return content + (root.scrollWidth > root.clientWidth ? 18 : 0) // its own bar across
}

export interface Links {
  /** True: it is taken care of. */
  clicked(link: HTMLAnchorElement): boolean
  pressed(event: KeyboardEvent): void
}

/** Clicks on links and keys pressed inside. */
export function listen(frame: HTMLIFrameElement, links: Links): () => void {
  const page = documentOf(frame)
  if (!page) return () => undefined
  const click = (event: MouseEvent): void => {
    const link = (event.target as Element | null)?.closest?.('a[href]')
    if (link && links.clicked(link as HTMLAnchorElement)) event.preventDefault()
    // Keys go to the app again, unless somebody marked text in order to copy it.
    else if (!link && page.getSelection()?.isCollapsed !== false) giveFocusBack(frame)
  }
  const key = (event: KeyboardEvent): void => { links.pressed(event) }
  page.addEventListener('click', click)
  page.addEventListener('keydown', key)
  return () => {
    page.removeEventListener('click', click)
    page.removeEventListener('keydown', key)
  }
}

function giveFocusBack(frame: HTMLIFrameElement): void {
  const message = frame.closest<HTMLElement>('[data-message]')
  if (message) message.focus({ preventScroll: true })
  else frame.blur()
}

const DARK = 'html{background:#fff!important;filter:invert(1) hue-rotate(180deg)}' +
  'img,video,[background],[style*="background-image"]{filter:invert(1) hue-rotate(180deg)}'

/** Turns light and dark round, and images back (web.md §4.3). */
export function darken(frame: HTMLIFrameElement, on: boolean): void {
  const page = documentOf(frame)
  if (!page) return
  const there = page.getElementById('pillarbox-darken')
  if (!on) there?.remove()
  else if (!there) {
    const style = page.createElement('style')
    style.id = 'pillarbox-darken'
    style.textContent = DARK
    page.head.append(style)
  }
}
