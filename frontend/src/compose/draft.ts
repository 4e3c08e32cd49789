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
  /** While it is on its way into a window of its own: what is no part of a letter. */
  handed?: { isUntouched: boolean; unfinished: Record<string, string> }
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

/** Whether they say the same to the same people; how the text is set does not count. */
export function sameLetter(one: Draft, other: Draft): boolean {
  const rest = ({ to, cc, bcc, subject, files }: Draft) =>
    JSON.stringify([to, cc, bcc, subject, files.map((file) => file.key)])
  return rest(one) === rest(other) && words(one) === words(other)
}

function words(draft: Draft): string {
  return ownText(draft).replace(/\s+/g, ' ').trim()
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

/** Something of the draft was changed by its owner. */
export function touched(draft: Draft, now: number): Draft {
  return { ...draft, changedAt: now }
}
