// The end of a letter that belongs to the identity it is sent from.

import { parseHtml } from './draft.ts'
import { escapeHtml, textToHtml } from './plain.ts'
import type { Identity } from './reply.ts'

const MARK = 'data-signature'

export function signatureHtml(identity: Identity | null): string {
  const inside = identity?.htmlSignature
    ? identity.htmlSignature
    : identity?.textSignature
      ? textToHtml(identity.textSignature)
      : ''
  if (inside === '') return ''
  return `<div ${MARK}="${escapeHtml(identity!.id)}"><div>-- <br></div>${inside}</div>`
}

export function signatureText(identity: Identity | null): string {
  return identity?.textSignature ? `-- \n${identity.textSignature}` : ''
}

/** Where it goes: above a quote, else at the end. */
export function withSignature(html: string, identity: Identity | null): string {
  const root = parseHtml(html)
  for (const before of root.querySelectorAll(`[${MARK}]`)) before.remove()
  const signature = signatureHtml(identity)
  if (signature !== '') {
    const added = [...parseHtml(signature).childNodes]
    const quote = firstQuoteBlock(root)
    const place = quote ?? null
    for (const node of added) root.insertBefore(node, place)
    if (!added[0]?.previousSibling) {
      root.insertBefore(emptyLine(root), added[0] ?? null)
    }
  }
  return root.innerHTML
}

export function withTextSignature(
  text: string,
  before: Identity | null,
  after: Identity | null,
): string {
  const old = signatureText(before)
  const fresh = signatureText(after)
  if (old !== '' && text.includes(old)) return text.replace(old, () => fresh)
  if (fresh === '') return text
  const quote = text.search(/^(?:.*:\n)?> /m)
  if (quote < 0) return `${text}\n\n${fresh}`
  return `${text.slice(0, quote)}\n${fresh}\n\n${text.slice(quote)}`
}

/** The line that says who wrote, or else the quote itself. */
export function firstQuoteBlock(root: HTMLElement): Element | null {
  const quote = root.querySelector(':scope > blockquote[type=cite], :scope > [data-forwarded]')
  if (!quote) return null
  const line = quote.previousElementSibling
  return line?.tagName === 'DIV' && line.textContent?.trim() ? line : quote
}

function emptyLine(root: HTMLElement): HTMLElement {
  const line = root.ownerDocument.createElement('div')
  line.append(root.ownerDocument.createElement('br'))
  return line
}
