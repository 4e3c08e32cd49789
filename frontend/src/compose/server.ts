// A draft on the server: each version is a new message that takes the place of the one before.

import { app } from '../app.ts'
import { refusal } from '../i18n/refusal.ts'
import { CallFailed, NetworkFailed, RequestFailed } from '../jmap/errors.ts'
import type { SetAnswer } from '../jmap/methods.ts'
import type { Draft, DraftFile } from './draft.ts'
import { emailOf } from './email.ts'
import type { Identity } from './reply.ts'
import type { QuotedPart } from './quote.ts'

export type SavedDraft =
  | { kind: 'saved'; emailId: string }
  | { kind: 'conflict'; emailId: string } // ours is there, but not what it should replace
  | { kind: 'blobs' } // files that the server has forgotten
  | { kind: 'offline' }
  | { kind: 'refused'; problem: string }

/** The properties of a letter that is answered or taken up again. */
export const FULL_PROPERTIES = [
  'id',
  'blobId',
  'mailboxIds',
  'keywords',
  'messageId',
  'inReplyTo',
  'references',
  'from',
  'replyTo',
  'to',
  'cc',
  'bcc',
  'subject',
  'sentAt',
  'receivedAt',
  'textBody',
  'htmlBody',
  'attachments',
  'bodyValues',
  'header:X-Pillarbox-Answers:asText',
] as const

const PART_PROPERTIES = [
  'partId',
  'blobId',
  'name',
  'type',
  'size',
  'cid',
  'disposition',
  'charset',
]
const MOST_TEXT = 1024 * 1024 // octets; as much as a reader shows

export interface FullEmail {
  id: string
  blobId: string
  mailboxIds: Record<string, true>
  keywords: Record<string, true>
  messageId: string[] | null
  inReplyTo: string[] | null
  references: string[] | null
  from: { name: string | null; email: string }[] | null
  replyTo: { name: string | null; email: string }[] | null
  to: { name: string | null; email: string }[] | null
  cc: { name: string | null; email: string }[] | null
  bcc: { name: string | null; email: string }[] | null
  subject: string | null
  sentAt: string | null
  receivedAt: string
  textBody: QuotedPart[]
  htmlBody: QuotedPart[]
  attachments: QuotedPart[]
  bodyValues: Record<string, { value: string; isTruncated?: boolean }>
  'header:X-Pillarbox-Answers:asText': string | null
}

export async function readEmail(id: string): Promise<FullEmail | null> {
  const told = await app.client.call<{ list: FullEmail[] }>('Email/get', {
    ids: [id],
    properties: FULL_PROPERTIES,
    bodyProperties: PART_PROPERTIES,
    fetchTextBodyValues: true,
    fetchHTMLBodyValues: true,
    maxBodyValueBytes: MOST_TEXT,
  })
  return told.list[0] ?? null
}

/** Versions whose place a newer one has taken; the server did not answer yet that they are gone. */
const former = new Set<string>()

/** Keep this version, and only then remove the one before: it may hold the only copy of a file. */
export async function saveDraft(draft: Draft, identity: Identity | null): Promise<SavedDraft> {
  const drafts = app.mail.withRole('drafts')
  if (!drafts) return { kind: 'refused', problem: app.t('compose.noDrafts') }
  const from = senderOf(draft, identity)
  const create = { d: emailOf(draft, { mailboxId: drafts.id, from, isDraft: true }) }
  let told: SetAnswer
  try {
    told = await app.client.call<SetAnswer>('Email/set', { create })
  } catch (error) {
    return failureOf(error)
  }
  const refused = told.notCreated?.['d']
  if (refused?.type === 'blobNotFound') return { kind: 'blobs' }
  const emailId = told.created?.['d']?.id
  if (!emailId) {
    return { kind: 'refused', problem: refusal(refused, app.t('compose.refused')) }
  }
  const isThere = draft.emailId === null || (await dropFormer(draft.emailId))
  return { kind: isThere ? 'saved' : 'conflict', emailId }
}

/** False where somebody else had it removed; what the line did not let through goes with the next. */
export async function dropFormer(emailId: string): Promise<boolean> {
  former.add(emailId)
  const destroy = [...former]
  try {
    const told = await app.client.call<SetAnswer>('Email/set', { destroy })
    for (const id of destroy) former.delete(id)
    return told.notDestroyed?.[emailId]?.type !== 'notFound'
  } catch {
    return true
  }
}

export function failureOf(error: unknown): SavedDraft {
  if (error instanceof NetworkFailed) return { kind: 'offline' }
  if (error instanceof RequestFailed && error.isPassing) return { kind: 'offline' }
  if (error instanceof RequestFailed || error instanceof CallFailed) {
    return { kind: 'refused', problem: error.message }
  }
  throw error
}

export function senderOf(
  draft: Draft,
  identity: Identity | null,
): { name: string | null; email: string } | null {
  const email = draft.from ?? identity?.email ?? null
  return email === null ? null : { name: identity?.name || null, email }
}

export async function destroyEmail(id: string): Promise<void> {
  await app.client.call('Email/set', { destroy: [id] })
}

/** Other versions of the letter: what another device made of it meanwhile, newest first. */
export async function otherVersions(draft: Draft): Promise<FullEmail[]> {
  const query = app.client.call<{ ids: string[] }>('Email/query', {
    filter: { header: ['Message-ID', draft.messageId] },
    sort: [{ property: 'receivedAt', isAscending: false }],
    limit: 10,
  })
  const told = await app.client.call<{ list: FullEmail[] }>('Email/get', {
    '#ids': query.ref('/ids'),
    properties: ['id', 'mailboxIds', 'keywords', 'receivedAt'],
  })
  return told.list.filter((one) => one.id !== draft.emailId)
}

/** The files as the version on the server has them: their blobs live as long as it does. */
export async function filesOf(
  emailId: string | null,
  files: readonly DraftFile[],
): Promise<DraftFile[]> {
  const parts = emailId === null || files.length === 0 ? [] : await partsOf(emailId)
  const found = new Map<string, string>()
  // Some names and line ends are not kept as they came.
  for (const like of [
    (one: QuotedPart, file: DraftFile) => one.name === file.name && one.size === file.size,
    (one: QuotedPart, file: DraftFile) => one.name === file.name || one.size === file.size,
  ]) {
    for (const file of files) {
      const at = found.has(file.key) ? -1 : parts.findIndex((one) => like(one, file))
      const [part] = at < 0 ? [] : parts.splice(at, 1)
      if (part?.blobId) found.set(file.key, part.blobId)
    }
  }
  return files.map((file) => ({ ...file, blobId: found.get(file.key) ?? null }))
}

async function partsOf(emailId: string): Promise<QuotedPart[]> {
  const told = await app.client.call<{ list: FullEmail[] }>('Email/get', {
    ids: [emailId],
    properties: ['attachments', 'htmlBody', 'textBody'],
    bodyProperties: PART_PROPERTIES,
  })
  return told.list[0]?.attachments ?? []
}
