// Where a link goes in a letter: behind what was written, above signature and quote.

import { parseHtml } from '../compose/draft.ts'
import type { Letter } from '../compose/letter.svelte.ts'
import { firstQuoteBlock } from '../compose/signature.ts'

/** `window`: what shows the letter, if anything does; the cursor stays where it is. */
export function insertLink(letter: Letter, window: Element | null, line: string, url: string): void {
  if (letter.draft.plain) {
    letter.change({ text: inText(letter.draft.text, `${line}\n${url}`) })
    return
  }
  const shown = window
    ?.querySelector<HTMLIFrameElement>('iframe')
    ?.contentDocument?.querySelector<HTMLElement>('.letter')
  const root = shown ?? parseHtml(letter.draft.html)
  root.insertBefore(block(root.ownerDocument, line, url), placeIn(root))
  letter.change({ html: root.innerHTML })
}

function placeIn(root: HTMLElement): Element | null {
  return root.querySelector(':scope > [data-signature]') ?? firstQuoteBlock(root)
}

function block(page: Document, line: string, url: string): HTMLElement {
  const made = page.createElement('div')
  const link = page.createElement('a')
  link.href = url
  link.textContent = url
  made.append(line, page.createElement('br'), link)
  return made
}

export function inText(text: string, lines: string): string {
  const rest = text.search(/^(?:-- $|(?:.*:\n)?> )/m)
  const own = rest < 0 ? text : text.slice(0, rest)
  const before = own.trimEnd() === '' ? '' : `${own.trimEnd()}\n\n`
  return rest < 0 ? `${before}${lines}\n` : `${before}${lines}\n\n${text.slice(rest)}`
}
