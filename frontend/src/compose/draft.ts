// One letter being written: what is kept of it, and what the server is given.

import type { Recipient } from './addresses.ts'
import { htmlToText } from './plain.ts'

export interface DraftFile {
  key: string // of this file within the draft
  blobId: string | null // null until it is uploaded
  name: string
  type: string
  size: number
  cid: string | null // shown inside the text where it is set
}

export interface Answers {
  emailId: string
  kind: 'reply' | 'forward'
}

export interface Draft {
  key: string // of this letter on this device
  accountId: string
  emailId: string | null // its newest version on the server
  messageId: string // the same in every version, so that devices know it for one letter
  identityId: string | null
  from: string | null // where it differs from the identity's address: a plus address
  to: Recipient[]
  cc: Recipient[]
  bcc: Recipient[]
  subject: string
  plain: boolean
  html: string // with the addresses that the editor shows pictures from
  text: string // of plain letters
  files: DraftFile[]
  inReplyTo: string[]
  references: string[]
  answers: Answers | null
  changedAt: number // ms
  localAt: number // ms; when this device kept it
  savedAt: number // ms; when the server had it, 0 for never
}

export function newDraft(accountId: string, domain: string, now: number): Draft {
  const key = crypto.randomUUID()
  return {
    key,
    accountId,
    emailId: null,
    messageId: `${key}@${domain || 'localhost'}`,
    identityId: null,
    from: null,
    to: [],
    cc: [],
    bcc: [],
    subject: '',
    plain: false,
    html: '',
    text: '',
    files: [],
    inReplyTo: [],
    references: [],
    answers: null,
    changedAt: now,
    localAt: 0,
    savedAt: 0,
  }
}

/** Whether anything would be lost with it; a signature alone is nothing. */
export function isBlank(draft: Draft, untouchedText: string): boolean {
  if (draft.to.length + draft.cc.length + draft.bcc.length + draft.files.length > 0) return false
  if (draft.subject.trim() !== '') return false
  return ownText(draft).trim() === untouchedText.trim()
}

/** The letter as text, quotes and signature included. */
export function ownText(draft: Draft): string {
  if (draft.plain) return draft.text
  return htmlToText(parseHtml(draft.html))
}

/** Read without running or loading anything. */
export function parseHtml(html: string): HTMLElement {
  return read(html)
}

/** Set by the editor's chunk: how HTML becomes nodes under Trusted Types, made harmless. */
let read = (html: string): HTMLElement => new DOMParser().parseFromString(html, 'text/html').body

export function parseHtmlWith(reader: (html: string) => HTMLElement): void {
  read = reader
}

export interface EmailOptions {
  mailboxId: string
  from: Recipient | null
  replyTo?: Recipient[] | null
  isDraft: boolean
  sentAt?: string // a date with zone
}

/** The Email to be created (RFC 8621 §4.6); every picture inside it by cid. */
export function emailOf(draft: Draft, options: EmailOptions): Record<string, unknown> {
  const ready = draft.files.filter((file) => file.blobId !== null)
  const email: Record<string, unknown> = {
    mailboxIds: { [options.mailboxId]: true },
    keywords: options.isDraft ? { $draft: true, $seen: true } : { $seen: true },
    messageId: [draft.messageId],
    from: options.from ? [options.from] : null,
    replyTo: options.replyTo?.length ? options.replyTo : null,
    to: listOf(draft.to),
    cc: listOf(draft.cc),
    bcc: listOf(draft.bcc),
    subject: draft.subject,
    inReplyTo: draft.inReplyTo.length ? draft.inReplyTo : null,
    references: draft.references.length ? draft.references : null,
    ...bodyOf(draft, ready),
  }
  if (options.sentAt) email['sentAt'] = options.sentAt
  if (options.isDraft && draft.answers) {
    // So that a draft taken up elsewhere still marks what it answers.
    email['header:X-Pillarbox-Answers:asText'] = `${draft.answers.kind} ${draft.answers.emailId}`
  }
  return email
}

function listOf(list: readonly Recipient[]): Recipient[] | null {
  return list.length > 0 ? list.map(({ name, email }) => ({ name, email })) : null
}

function bodyOf(draft: Draft, files: DraftFile[]): Record<string, unknown> {
  const attachments = files.map(partOf)
  if (draft.plain) {
    return {
      textBody: [{ partId: 'text', type: 'text/plain' }],
      bodyValues: { text: { value: draft.text } },
      ...(attachments.length ? { attachments } : {}),
    }
  }
  const root = parseHtml(draft.html)
  const used = referToParts(root, files)
  const kept = files.filter((file) => file.cid === null || used.has(file.key))
  return {
    textBody: [{ partId: 'text', type: 'text/plain' }],
    htmlBody: [{ partId: 'html', type: 'text/html' }],
    bodyValues: {
      text: { value: htmlToText(root) },
      html: { value: wholeHtml(root.innerHTML) },
    },
    ...(kept.length ? { attachments: kept.map(partOf) } : {}),
  }
}

function wholeHtml(inside: string): string {
  return `<!DOCTYPE html><html><head><meta charset="utf-8"></head><body>${inside}</body></html>`
}

function partOf(file: DraftFile): Record<string, unknown> {
  return {
    blobId: file.blobId,
    type: file.type,
    name: file.name,
    disposition: file.cid === null ? 'attachment' : 'inline',
    ...(file.cid === null ? {} : { cid: file.cid }),
  }
}

/** Pictures get back the addresses that recipients can use; which files are shown by them. */
export function referToParts(root: HTMLElement, files: readonly DraftFile[]): Set<string> {
  const byCid = new Map(files.filter((one) => one.cid).map((one) => [one.cid!, one.key]))
  const used = new Set<string>()
  for (const image of root.querySelectorAll('img')) {
    const cid = image.getAttribute('data-cid')
    const remote = image.getAttribute('data-remote')
    if (cid !== null) {
      image.setAttribute('src', `cid:${cid}`)
      const key = byCid.get(cid)
      if (key) used.add(key)
    } else if (remote !== null) image.setAttribute('src', remote)
    for (const name of ['data-cid', 'data-remote', 'tabindex']) image.removeAttribute(name)
  }
  return used
}

/** Something of the draft was changed by its owner. */
export function touched(draft: Draft, now: number): Draft {
  return { ...draft, changedAt: now }
}
