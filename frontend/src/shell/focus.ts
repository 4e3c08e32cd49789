// The focus is never lost (WCAG 2.2, 2.4.3): when what had it goes away, work goes on where it
// belongs. A window over the page gives it back to where it came from, everything else to the list,
// or to the open message where no list is shown.

const FLOATING = 'dialog, [popover], .toasts, [data-floating]'
const MOST_BEFORE = 12
/** A page that was asked for may have to come first. */
const PATIENCE = 1500

interface Place {
  element: HTMLElement
  isFloating: boolean
  /** What stays when something in it goes: its other buttons are the next ones. */
  home: HTMLElement | null
}

export function keepFocus(): void {
  let before: Place[] = []
  let looking = 0

  addEventListener('focusin', (event) => {
    looking++
    const element = event.target as HTMLElement
    const place = {
      element,
      isFloating: element.closest(FLOATING) !== null,
      home: element.closest<HTMLElement>('[data-keeps-focus]'),
    }
    before = [...before.filter((one) => one.element !== element), place].slice(-MOST_BEFORE)
  })

  const look = (since: number, number: number) => {
    if (number !== looking || !isNowhere()) return
    const last = before.at(-1)
    if (!last || isThere(last.element) || document.querySelector('dialog[open]')) return
    const main = last.isFloating ? before.findLast((one) => !one.isFloating && isThere(one.element)) : undefined
    const home = last.home && isThere(last.home) ? last.home : null
    const next = home ?? main?.element ?? place()
    next?.focus({ preventScroll: true })
    if (isNowhere() && performance.now() - since < PATIENCE) setTimeout(() => look(since, number), 50)
  }
  const soon = () => {
    const number = ++looking
    const since = performance.now()
    requestAnimationFrame(() => setTimeout(() => look(since, number)))
  }
  addEventListener('focusout', soon)
  // Not every browser tells that the element with the focus was taken away.
  const gone = new MutationObserver(() => {
    if (isNowhere() && before.length > 0) soon()
  })
  gone.observe(document.body, {
    subtree: true,
    childList: true,
    attributes: true,
    attributeFilter: ['inert', 'hidden', 'disabled'],
  })
}

function isNowhere(): boolean {
  return document.activeElement === null || document.activeElement === document.body
}

function isThere(element: HTMLElement): boolean {
  return element.isConnected && element.getClientRects().length > 0 && element.closest('[inert]') === null
}

/** Where work goes on. */
export function place(): HTMLElement | null {
  const found = ['[role=grid] [tabindex="0"]', '[role=grid]', '.reader .pane', '.page h1', '.page']
    .map((one) => document.querySelector<HTMLElement>(one))
    .find((one) => one && isThere(one))
  if (found && !found.hasAttribute('tabindex')) found.tabIndex = -1
  return found ?? null
}
