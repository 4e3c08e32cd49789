// Nothing says for ever that it is busy (web.md §2.3), and what goes wrong is told to the server,
// without any content of mail.

import type { JmapClient } from '../jmap/client.ts'

const LOOK_EVERY = 15_000
const TOO_LONG = 10_000
const MOST_REPORTS = 10

export function watch(client: JmapClient): void {
  let reports = 0
  const report = (kind: string, where: string, text: string) => {
    if (++reports > MOST_REPORTS) return
    const build = document.querySelector('script[type=module]')?.getAttribute('src') ?? ''
    const body = JSON.stringify({ kind, where, text: text.slice(0, 500), build })
    const headers = { 'Content-Type': 'application/json', 'X-Csrf-Token': client.csrf }
    fetch('/client-error', { method: 'POST', headers, body, keepalive: true }).catch(() => undefined)
  }
  addEventListener('error', (event) => {
    report('error', `${event.filename}:${event.lineno}`, String(event.message))
  })
  addEventListener('unhandledrejection', (event) => {
    const name = String((event.reason as Error)?.name ?? event.reason)
    if (name === 'NetworkFailed') event.preventDefault() // no fault: the status dot tells it
    else report('rejection', '', name)
  })

  const since = new WeakMap<Element, number>()
  const look = () => {
    const now = performance.now()
    for (const one of document.querySelectorAll('[aria-busy=true]')) {
      const from = since.get(one)
      if (from === undefined) since.set(one, now)
      else if (now - from > TOO_LONG) {
        since.set(one, Number.POSITIVE_INFINITY)
        report('busy', one.getAttribute('aria-label') ?? one.className.toString(), 'busy too long')
        one.dispatchEvent(new CustomEvent('stuck', { bubbles: true }))
      }
    }
  }
  // Only while something is busy: a page at rest has no timers.
  let timer: ReturnType<typeof setInterval> | undefined
  new MutationObserver(() => {
    const isBusy = document.querySelector('[aria-busy=true]') !== null
    if (isBusy && timer === undefined) {
      look()
      timer = setInterval(look, LOOK_EVERY / 3)
    } else if (!isBusy) {
      clearInterval(timer)
      timer = undefined
    }
  }).observe(document.body, { subtree: true, attributes: true, attributeFilter: ['aria-busy'], childList: true })
}
