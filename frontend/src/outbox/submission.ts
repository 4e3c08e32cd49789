// What the server is asked to do with a letter: to send it, to forget about it, and how it went.

import { app } from '../app.ts'
import { emailOf } from '../compose/email.ts'
import type { Identity } from '../compose/reply.ts'
import { senderOf } from '../compose/server.ts'
import { refusal } from '../i18n/refusal.ts'
import { CallFailed, NetworkFailed, RequestFailed } from '../jmap/errors.ts'
import type { SetAnswer, SetError } from '../jmap/methods.ts'
import { holdParameters, type Entry } from './entry.ts'

export type Sent =
  | { kind: 'taken'; emailId: string; submission: Submission }
  | { kind: 'lost' } // no answer: perhaps it was taken
  | { kind: 'offline' } // not even asked
  | { kind: 'blobs' } // files that the server has forgotten
  | { kind: 'refused'; problem: string; emailId: string | null }

export interface Submission {
  id: string
  emailId: string
  sendAt: string
  undoStatus: 'pending' | 'final' | 'canceled'
}

const PROPERTIES = ['id', 'emailId', 'sendAt', 'undoStatus']

/**
 * One request: the letter, its submission, and where it is moved to. The draft that it was stays
 * until this is answered: it may hold the only copy of a file.
 */
export async function submit(entry: Entry, identity: Identity | null): Promise<Sent> {
  const drafts = app.mail.withRole('drafts')
  const sent = app.mail.withRole('sent')
  const place = drafts ?? sent
  if (!place) return { kind: 'refused', problem: app.t('compose.noDrafts'), emailId: entry.draft.emailId }
  const { draft } = entry
  const from = senderOf(draft, identity)
  if (!from || !draft.identityId) {
    return { kind: 'refused', problem: app.t('compose.noIdentity'), emailId: draft.emailId }
  }
  const email = emailOf(draft, {
    mailboxId: place.id,
    from,
    replyTo: identity?.replyTo ?? null,
    isDraft: true,
  })
  delete email['header:X-Pillarbox-Answers:asText']
  const written = app.client.call<SetAnswer>('Email/set', { create: { e: email } })
  const submitted = app.client.call<SetAnswer<Submission>>('EmailSubmission/set', {
    create: { s: submissionOf(entry, from.email, '#e') },
    onSuccessUpdateEmail: { '#s': movedOut(place.id, sent?.id ?? place.id) },
  })
  return outcomeOf(written, submitted, draft.emailId)
}

/** The letter is on the server already: after an answer that was lost. */
export async function submitKept(
  entry: Entry,
  identity: Identity | null,
  emailId: string,
): Promise<Sent> {
  const drafts = app.mail.withRole('drafts')
  const sent = app.mail.withRole('sent')
  const from = senderOf(entry.draft, identity)
  const from_ = from?.email ?? ''
  const place = drafts?.id ?? sent?.id ?? ''
  const submitted = app.client.call<SetAnswer<Submission>>('EmailSubmission/set', {
    create: { s: submissionOf(entry, from_, emailId) },
    onSuccessUpdateEmail: { '#s': movedOut(place, sent?.id ?? place) },
  })
  return outcomeOf(null, submitted, emailId)
}

function submissionOf(entry: Entry, mailFrom: string, emailId: string): Record<string, unknown> {
  const { to, cc, bcc, identityId } = entry.draft
  const seen = new Set<string>()
  const rcptTo = [...to, ...cc, ...bcc]
    .map((one) => one.email)
    .filter((email) => !seen.has(email.toLowerCase()) && seen.add(email.toLowerCase()))
    .map((email) => ({ email, parameters: null }))
  const parameters = holdParameters(entry, Date.now())
  return { identityId, emailId, envelope: { mailFrom: { email: mailFrom, parameters }, rcptTo } }
}

function movedOut(from: string, to: string): Record<string, unknown> {
  const moved = from === to ? {} : { [`mailboxIds/${from}`]: null, [`mailboxIds/${to}`]: true }
  return { ...moved, 'keywords/$draft': null, 'keywords/$seen': true }
}

async function outcomeOf(
  written: PromiseLike<SetAnswer> | null,
  submitted: PromiseLike<SetAnswer<Submission>>,
  before: string | null,
): Promise<Sent> {
  let emailId = before
  try {
    if (written) {
      const told = await written
      const refused = told.notCreated?.['e']
      if (refused?.type === 'blobNotFound') return { kind: 'blobs' }
      if (refused) {
        const problem = refusal(refused, app.t('compose.refused'))
        return { kind: 'refused', problem, emailId: before }
      }
      emailId = told.created?.['e']?.id ?? before
    }
    const told = await submitted
    const made = told.created?.['s']
    if (!made || !emailId) {
      const refused = told.notCreated?.['s']
      if (refused?.type === 'alreadyExists' && refused.existingId) return adopt(refused.existingId)
      return { kind: 'refused', problem: refusalOf(refused), emailId }
    }
    const submission: Submission = {
      id: made.id,
      emailId,
      sendAt: made.sendAt ?? '',
      undoStatus: made.undoStatus ?? 'pending',
    }
    return { kind: 'taken', emailId, submission }
  } catch (error) {
    return failureOf(error, emailId)
  }
}

/** The server has it from an attempt whose answer was lost. */
async function adopt(id: string): Promise<Sent> {
  const submission = await readSubmission(id)
  if (!submission) return { kind: 'lost' }
  return { kind: 'taken', emailId: submission.emailId, submission }
}

function failureOf(error: unknown, emailId: string | null): Sent {
  if (error instanceof NetworkFailed) return { kind: navigator.onLine ? 'lost' : 'offline' }
  if (error instanceof RequestFailed && error.isPassing) return { kind: 'offline' }
  if (error instanceof RequestFailed && error.status >= 500) return { kind: 'lost' }
  if (error instanceof RequestFailed || error instanceof CallFailed) {
    return { kind: 'refused', problem: error.message, emailId }
  }
  throw error
}

/** RFC 8621 §7.5: the refusals of a submission, in words. */
function refusalOf(refused: (SetError & { invalidRecipients?: string[] }) | undefined): string {
  const type = refused?.type
  if (type === 'forbiddenFrom' || type === 'forbiddenMailFrom')
    return app.t('compose.forbiddenFrom')
  if (type === 'forbiddenToSend') return refusal(refused, app.t('compose.forbiddenToSend'))
  if (type === 'tooManyRecipients') return app.t('compose.tooManyRecipients')
  if (type === 'invalidRecipients') {
    const why = refusal(refused, app.t('compose.invalidRecipients'))
    const who = refused?.invalidRecipients ?? []
    return who.length ? `${why} (${who.join(', ')})` : why
  }
  if (type === 'tooLarge') return app.t('compose.tooLarge')
  return refusal(refused, app.t('compose.refused'))
}

/** What the server knows of a letter whose answer was lost. */
export async function lookFor(
  entry: Entry,
): Promise<{ emailId: string | null; submission: Submission | null }> {
  const { messageId, emailId } = entry.draft
  const query = app.client.call<{ ids: string[] }>('Email/query', {
    filter: { header: ['Message-ID', messageId] },
    limit: 10,
  })
  const { ids } = await query
  const known = [...new Set([...ids, ...(emailId ? [emailId] : [])])]
  if (known.length === 0) return { emailId: null, submission: null }
  const asked = app.client.call<{ ids: string[] }>('EmailSubmission/query', {
    filter: { emailIds: known },
  })
  const got = app.client.call<{ list: Submission[] }>('EmailSubmission/get', {
    '#ids': asked.ref('/ids'),
    properties: PROPERTIES,
  })
  const submission = (await got).list.find((one) => one.undoStatus !== 'canceled') ?? null
  // An older draft must not be taken for what was meant to be sent.
  return { emailId: ids.find((id) => id !== emailId) ?? null, submission }
}

export async function readSubmission(id: string): Promise<Submission | null> {
  const told = await app.client.call<{ list: Submission[] }>('EmailSubmission/get', {
    ids: [id],
    properties: PROPERTIES,
  })
  return told.list[0] ?? null
}

export interface Scheduled extends Submission {
  subject: string | null
  to: { name: string | null; email: string }[] | null
}

/** Letters that the server has and did not send yet. */
export async function pendingSubmissions(): Promise<Scheduled[]> {
  const asked = app.client.call<{ ids: string[] }>('EmailSubmission/query', {
    filter: { undoStatus: 'pending' },
    sort: [{ property: 'sentAt', isAscending: true }],
    limit: 100,
  })
  const got = app.client.call<{ list: Submission[] }>('EmailSubmission/get', {
    '#ids': asked.ref('/ids'),
    properties: PROPERTIES,
  })
  const emails = app.client.call<{ list: Scheduled[] }>('Email/get', {
    '#ids': got.ref('/list/*/emailId'),
    properties: ['id', 'subject', 'to'],
  })
  const [submissions, letters] = await Promise.all([got, emails])
  return submissions.list.map((one) => {
    const email = letters.list.find((letter) => letter.id === one.emailId)
    return { ...one, subject: email?.subject ?? null, to: email?.to ?? null }
  })
}

/** Whether it was taken back in time; the letter is a draft again. */
export async function takeBack(submissionId: string): Promise<'undone' | 'tooLate' | 'offline'> {
  const drafts = app.mail.withRole('drafts')
  const sent = app.mail.withRole('sent')
  const back = drafts
    ? {
        [`mailboxIds/${drafts.id}`]: true,
        ...(sent ? { [`mailboxIds/${sent.id}`]: null } : {}),
        'keywords/$draft': true,
      }
    : { 'keywords/$draft': true }
  try {
    const told = await app.client.call<SetAnswer>('EmailSubmission/set', {
      update: { [submissionId]: { undoStatus: 'canceled' } },
      onSuccessUpdateEmail: { [submissionId]: back },
    })
    return told.updated && submissionId in told.updated ? 'undone' : 'tooLate'
  } catch (error) {
    if (error instanceof NetworkFailed) return 'offline'
    throw error
  }
}

/** The letter that was answered says so. */
export async function markAnswered(entry: Entry): Promise<void> {
  const { answers } = entry.draft
  if (!answers) return
  const keyword = answers.kind === 'reply' ? '$answered' : '$forwarded'
  await app.client.call('Email/set', {
    update: { [answers.emailId]: { [`keywords/${keyword}`]: true } },
  })
}
