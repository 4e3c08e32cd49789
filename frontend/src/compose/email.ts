// A letter as the server is given it.

import type { Recipient } from './addresses.ts'
import { parseHtml, type Draft, type DraftFile } from './draft.ts'
import { htmlToText } from './plain.ts'

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
