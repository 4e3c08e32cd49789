// A draft on the server: each version is a new message that takes the place of the one before.

import { app } from '../app.ts'
import { CallFailed, NetworkFailed, RequestFailed } from '../jmap/errors.ts'
import type { SetAnswer } from '../jmap/methods.ts'
import type { Draft } from './draft.ts'
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

/** Keep this version and remove the one before. */
export async function saveDraft(draft: Draft, identity: Identity | null): Promise<SavedDraft> {
  const drafts = app.mail.withRole('drafts')
  if (!drafts) return { kind: 'refused', problem: app.t('compose.noDrafts') }
  const from = senderOf(draft, identity)
  const create = { d: emailOf(draft, { mailboxId: drafts.id, from, isDraft: true }) }
  const destroy = draft.emailId ? [draft.emailId] : undefined
  let told: SetAnswer
  try {
    told = await app.client.call<SetAnswer>('Email/set', {
      create,
      ...(destroy ? { destroy } : {}),
    })
  } catch (error) {
    return failureOf(error)
  }
  const refused = told.notCreated?.['d']
  if (refused?.type === 'blobNotFound') return { kind: 'blobs' }
  const emailId = told.created?.['d']?.id
  if (!emailId) {
    return { kind: 'refused', problem: refused?.description ?? app.t('compose.refused') }
  }
  const isGone = draft.emailId !== null && told.notDestroyed?.[draft.emailId]?.type === 'notFound'
  return { kind: isGone ? 'conflict' : 'saved', emailId }
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

/** The parts of the newest version, whose blobs the server keeps as long as the version. */
export async function partsOf(emailId: string): Promise<QuotedPart[]> {
  const told = await app.client.call<{ list: FullEmail[] }>('Email/get', {
    ids: [emailId],
    properties: ['attachments', 'htmlBody', 'textBody'],
    bodyProperties: PART_PROPERTIES,
  })
  return told.list[0]?.attachments ?? []
}
