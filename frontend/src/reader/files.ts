// Attachments: what they are called, where they are had from, and what can be looked at here.

import type { IconName } from '../ui/icons.ts'

export interface Part {
  readonly partId: string | null
  readonly blobId: string
  readonly size: number
  readonly name: string | null
  readonly type: string
  readonly disposition: string | null
  readonly cid: string | null
}

export type PreviewKind = 'image' | 'pdf' | 'text'

// The same types as the server shows; everything else is only ever saved.
const RASTER = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp', 'image/avif', 'image/bmp'])
const TEXTS = new Set(['text/plain', 'text/csv', 'text/markdown', 'text/calendar', 'text/vcard'])
// Pages and drawings, which are shown as they are written.
const MARKUP = /^(text\/(html|xml|xsl)|image\/svg\+xml|application\/(.+\+)?xml)$/i
const MOST_PREVIEW: Readonly<Record<PreviewKind, number>> = {
  image: 30 * 1024 ** 2, pdf: 50 * 1024 ** 2, text: 2 * 1024 ** 2,
}

export function previewOf(part: Part): PreviewKind | null {
  const type = part.type.toLowerCase()
  const kind = RASTER.has(type) ? 'image' : type === 'application/pdf' ? 'pdf' : TEXTS.has(type) || isMarkup(part) ? 'text' : null
  return kind !== null && part.size <= MOST_PREVIEW[kind] ? kind : null
}

export function isMarkup(part: Part): boolean {
  return MARKUP.test(part.type)
}

/** Signs that turn the reading direction or are not seen, by which "gpj.exe" looks like "exe.jpg". */
const DECEIVING = /[\p{Cc}\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/gu

/** A file name that reads as it is. */
export function nameOf(part: Part, nameless: string): string {
  const name = (part.name ?? '').replace(DECEIVING, '\ufffd').trim()
  return name === '' ? nameless : name
}

/** The same for subjects and names of people: bidi signs may not reach beyond their own text. */
export function honest(text: string): string {
  return text.replace(DECEIVING, '')
}

export function iconOf(part: Part): IconName {
  const type = part.type.toLowerCase()
  if (type.startsWith('image/')) return 'image'
  if (type === 'text/calendar') return 'calendar'
  if (type.startsWith('text/') || type === 'application/pdf') return 'file-text'
  return type === 'message/rfc822' ? 'mail' : 'file'
}

/** A download address of the session (RFC 8620 §6.2), filled in. */
export function downloadUrl(template: string, accountId: string, part: Part, name: string, inline: boolean): string {
  const values: Readonly<Record<string, string>> = { accountId, blobId: part.blobId, name, type: part.type }
  const url = template.replace(/\{(\w+)\}/g, (_, key: string) => encodeURIComponent(values[key] ?? ''))
  return inline ? `${url}${url.includes('?') ? '&' : '?'}inline=1` : url
}

/** Shown under the message: not what stands inside it already. */
export function listed(parts: readonly Part[], inBody: ReadonlySet<string>): Part[] {
  return parts.filter((one) => !(one.cid !== null && one.disposition === 'inline' && inBody.has(one.cid)) )
}
