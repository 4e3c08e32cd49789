// Another's letter inside ours: its HTML stays as it was, pictures are found again when it is sent.

import { escapeHtml } from './plain.ts'
import type { DraftFile } from './draft.ts'

/** A part of the letter that is quoted, as Email/get tells it. */
export interface QuotedPart {
  partId: string | null
  blobId: string | null
  name: string | null
  type: string
  size: number
  cid: string | null
  disposition?: string | null
}

export interface Quoted {
  html: string
  files: DraftFile[] // pictures that the quote shows
}

export interface QuoteContext {
  parts: readonly QuotedPart[]
  showRemote: boolean // whether pictures from elsewhere may be fetched, by the proxy
  newCid: () => string
}

const PART_PATH = /\/m\/[^/]+\/[^/]+\/part\/([^/?#]+)/
const PROXY_PATH = /\/imgproxy\/[^/]+\/([A-Za-z0-9_-]+)/

/** The server's cleaned document as what stands in a blockquote. */
export function quotable(root: HTMLElement, context: QuoteContext): Quoted {
  for (const gone of root.querySelectorAll(
    'script, link, meta, base, title, object, iframe, form',
  )) {
    gone.replaceWith(...(gone.tagName === 'FORM' ? gone.childNodes : []))
  }
  const files: DraftFile[] = []
  const byPart = new Map<string, DraftFile>()
  for (const image of root.querySelectorAll('img')) {
    image.removeAttribute('srcset')
    image.removeAttribute('loading')
    const source = image.getAttribute('src') ?? ''
    const part = PART_PATH.exec(source)?.[1]
    const proxied = PROXY_PATH.exec(source)?.[1]
    if (part !== undefined) keepPart(image, decodeURIComponent(part), context, byPart)
    else if (proxied !== undefined) keepRemote(image, proxied, context.showRemote)
  }
  files.push(...byPart.values())
  return { html: root.innerHTML, files }
}

function keepPart(
  image: HTMLImageElement,
  partId: string,
  context: QuoteContext,
  byPart: Map<string, DraftFile>,
): void {
  const part = context.parts.find((one) => one.partId === partId)
  if (!part?.blobId) return
  let file = byPart.get(partId)
  if (!file) {
    file = {
      key: `part-${part.blobId}`,
      blobId: part.blobId,
      name: part.name ?? `image-${byPart.size + 1}`,
      type: part.type,
      size: part.size,
      cid: part.cid ?? context.newCid(),
    }
    byPart.set(partId, file)
  }
  image.setAttribute('data-cid', file.cid!)
}

function keepRemote(image: HTMLImageElement, encoded: string, show: boolean): void {
  const address = decodeAddress(encoded)
  if (address === null) return
  image.setAttribute('data-remote', address)
  if (!show) image.removeAttribute('src')
}

/** base64url of UTF-8; null for what is no address on the web. */
export function decodeAddress(encoded: string): string | null {
  try {
    const binary = atob(encoded.replaceAll('-', '+').replaceAll('_', '/'))
    const octets = Uint8Array.from(binary, (c) => c.charCodeAt(0))
    const address = new TextDecoder('utf-8', { fatal: true }).decode(octets)
    return /^https?:\/\//i.test(address) ? address : null
  } catch {
    return null
  }
}

/** Our line above, their words below; an empty block on top to write in. */
export function replyHtml(attribution: string, quoted: string): string {
  return (
    `<div><br></div><div><br></div><div>${escapeHtml(attribution)}</div>` +
    `<blockquote type="cite">${quoted}</blockquote><div><br></div>`
  )
}

/** Lines of the head, then the letter itself, not indented. */
export function forwardHtml(
  title: string,
  head: readonly [string, string][],
  body: string,
): string {
  const lines = head.map(
    ([name, value]) => `<div><b>${escapeHtml(name)}</b> ${escapeHtml(value)}</div>`,
  )
  return (
    `<div><br></div><div><br></div><div data-forwarded="">` +
    `<div>---------- ${escapeHtml(title)} ----------</div>` +
    `${lines.join('')}<div><br></div><div>${body}</div></div>`
  )
}

export function forwardText(
  title: string,
  head: readonly [string, string][],
  body: string,
): string {
  const lines = head.map(([name, value]) => `${name} ${value}`)
  return ['', `---------- ${title} ----------`, ...lines, '', body].join('\n')
}

/** Files of a forwarded letter that are no pictures inside it. */
export function forwardedFiles(
  parts: readonly QuotedPart[],
  shown: readonly DraftFile[],
): DraftFile[] {
  const inside = new Set(shown.map((file) => file.blobId))
  return parts
    .filter((part) => part.blobId !== null && !inside.has(part.blobId))
    .map((part, index) => ({
      key: `part-${index}-${part.blobId}`,
      blobId: part.blobId,
      name: part.name ?? `part-${index + 1}`,
      type: part.type,
      size: part.size,
      cid: null,
    }))
}
