// A letter that begins with another: an answer, passed on, or a draft taken up again.

import { app, type ComposeRequest } from '../app.ts'
import { currentLocale } from '../i18n/t.ts'
import { formatRecipient, type Recipient } from './addresses.ts'
import { cleanPage } from './clean-page.ts'
import { newDraft, parseHtml, type Draft, type DraftFile } from './draft.ts'
import { blank } from './fresh.ts'
import { htmlToText, quoteText, textToHtml } from './plain.ts'
import { forwardedFiles, forwardHtml, forwardText, quotable, replyHtml } from './quote.ts'
import {
  answeringIdentity,
  forwardSubject,
  ownAddresses,
  replyRecipients,
  replySubject,
  threading,
  type Identity,
} from './reply.ts'
import { readEmail, type FullEmail } from './server.ts'
import { withSignature, withTextSignature } from './signature.ts'

const QUOTE_SECONDS = 8 // as long as an open letter's body may take

export async function beginWith(
  emailId: string,
  mode: Exclude<ComposeRequest['mode'], 'new' | undefined>,
  identities: Identity[],
): Promise<Draft> {
  const email = await readEmail(emailId)
  if (!email) throw new Error(app.t('compose.gone'))
  if (mode === 'draft') return takenUp(email)
  return mode === 'forward' ? forwarded(email, identities) : answered(email, mode, identities)
}

async function answered(
  email: FullEmail,
  kind: 'reply' | 'replyAll',
  identities: Identity[],
): Promise<Draft> {
  const draft = blank(identities)
  const { identity, from } = answeringIdentity(email, identities)
  const isOwn = ownAddresses(identities)
  Object.assign(draft, replyRecipients(email, kind, isOwn), threading(email))
  draft.identityId = identity?.id ?? null
  draft.from = identity && from !== identity.email ? from : null
  draft.bcc = identity?.bcc ?? []
  draft.subject = replySubject(email.subject)
  draft.answers = { emailId: email.id, kind: 'reply' }
  const line = attribution(email)
  const quoted = await bodyOf(email)
  if (draft.plain || quoted.html === null) {
    const text = `${draft.plain ? '\n\n' : ''}${line}\n${quoteText(quoted.text)}\n`
    draft.text = withTextSignature(text, null, identity)
    if (!draft.plain) {
      const inner = textToHtml(quoted.text)
      draft.html = withSignature(replyHtml(line, inner), identity)
      draft.text = ''
    }
    return draft
  }
  draft.files = quoted.files
  draft.html = withSignature(replyHtml(line, quoted.html), identity)
  return draft
}

async function forwarded(email: FullEmail, identities: Identity[]): Promise<Draft> {
  const draft = blank(identities)
  const { identity, from } = answeringIdentity(email, identities)
  draft.identityId = identity?.id ?? null
  draft.from = identity && from !== identity.email ? from : null
  draft.subject = forwardSubject(email.subject)
  draft.answers = { emailId: email.id, kind: 'forward' }
  draft.references = threading(email).references
  const quoted = await bodyOf(email)
  const head = headOf(email)
  const title = app.t('compose.forwardedMessage')
  if (draft.plain) {
    draft.text = withTextSignature(`\n${forwardText(title, head, quoted.text)}`, null, identity)
    draft.files = forwardedFiles(email.attachments, [])
    return draft
  }
  draft.html = withSignature(
    forwardHtml(title, head, quoted.html ?? textToHtml(quoted.text)),
    identity,
  )
  draft.files = [...quoted.files, ...forwardedFiles(email.attachments, quoted.files)]
  return draft
}

/** Somebody went on with a draft, perhaps one that another program made. */
export function takenUp(email: FullEmail): Draft {
  const draft = newDraft(app.mail.accountId, app.login.split('@')[1] ?? '', Date.now())
  const html = email.htmlBody[0]
  const isHtml = html?.type === 'text/html'
  const savedAt = Date.parse(email.receivedAt) || Date.now()
  Object.assign(draft, {
    emailId: email.id,
    messageId: email.messageId?.[0] ?? draft.messageId,
    from: email.from?.[0]?.email ?? null,
    to: email.to ?? [],
    cc: email.cc ?? [],
    bcc: email.bcc ?? [],
    subject: email.subject ?? '',
    plain: !isHtml && email.textBody.length > 0,
    inReplyTo: email.inReplyTo ?? [],
    references: email.references ?? [],
    answers: answersOf(email['header:X-Pillarbox-Answers:asText']),
    changedAt: savedAt, // the server has it as it is
    savedAt,
  })
  draft.files = email.attachments.map((part, index) => ({
    key: `part-${index}-${part.blobId}`,
    blobId: part.blobId,
    name: part.name ?? `part-${index + 1}`,
    type: part.type,
    size: part.size,
    cid: isHtml ? part.cid : null,
  }))
  const value = (part?: { partId: string | null }) =>
    email.bodyValues[part?.partId ?? '']?.value ?? ''
  if (draft.plain) draft.text = email.textBody.map(value).join('\n')
  else draft.html = withShownPictures(email.htmlBody.map(value).join('<hr>'), draft.files)
  return draft
}

/** `cid:` addresses become ones that a browser can show. */
export function withShownPictures(html: string, files: readonly DraftFile[]): string {
  const root = parseHtml(html)
  for (const image of root.querySelectorAll('img')) {
    const source = image.getAttribute('src') ?? ''
    if (/^https?:/i.test(source)) {
      image.setAttribute('data-remote', source)
      image.removeAttribute('src')
    }
    if (!/^cid:/i.test(source)) continue
    const file = files.find((one) => one.cid === decodeURIComponent(source.slice(4)))
    if (!file?.blobId) continue
    image.setAttribute('data-cid', file.cid!)
    image.setAttribute('src', app.client.downloadUrl(file.blobId, file.name, file.type))
  }
  return root.innerHTML
}

function answersOf(field: string | null): Draft['answers'] {
  const found = /^(reply|forward) (\S+)$/.exec(field?.trim() ?? '')
  return found ? { kind: found[1] as 'reply' | 'forward', emailId: found[2]! } : null
}

interface QuotedBody {
  html: string | null
  text: string
  files: DraftFile[]
}

/** As the reader shows it: cleaned by the server; its text where that cannot be had. */
async function bodyOf(email: FullEmail): Promise<QuotedBody> {
  const text = email.textBody
    .map((part) => {
      const value = email.bodyValues[part.partId ?? '']?.value ?? ''
      return part.type === 'text/html' ? htmlToText(parseHtml(value)) : value
    })
    .join('\n')
  const isHtml = email.htmlBody.some((part) => part.type === 'text/html')
  if (!isHtml) return { html: null, text, files: [] }
  const page = await cleanBody(email)
  if (page === null) return { html: null, text, files: [] }
  const sender = email.from?.[0]?.email.toLowerCase() ?? ''
  const quoted = quotable(cleanPage(page), {
    parts: email.attachments,
    showRemote: app.prefs.imagesAllowedFrom.includes(sender),
    newCid: () => `${crypto.randomUUID()}@pillarbox`,
  })
  return { html: quoted.html, text, files: quoted.files }
}

async function cleanBody(email: FullEmail): Promise<string | null> {
  const path = `/m/${app.mail.accountId}/${email.blobId}/body?img=1&all=1`
  try {
    const signal = AbortSignal.timeout(QUOTE_SECONDS * 1000)
    const response = await app.client.request(path, { signal })
    const page = await response.text()
    return /data-(?:body|kind)="text"/.test(page) ? null : page
  } catch {
    return null // the text is quoted instead
  }
}

function attribution(email: FullEmail): string {
  const sender = email.from?.[0]
  const name = sender ? (sender.name ?? sender.email) : app.t('compose.somebody')
  return app.t('compose.wrote', { date: whenOf(email), name })
}

function whenOf(email: FullEmail): string {
  const at = new Date(email.sentAt ?? email.receivedAt)
  return new Intl.DateTimeFormat(currentLocale(), {
    dateStyle: 'full',
    timeStyle: 'short',
  }).format(at)
}

function headOf(email: FullEmail): [string, string][] {
  const list = (some: Recipient[] | null) => (some ?? []).map(formatRecipient).join(', ')
  const head: [string, string][] = [
    [app.t('compose.headFrom'), list(email.from)],
    [app.t('compose.headDate'), whenOf(email)],
    [app.t('compose.headSubject'), email.subject ?? ''],
    [app.t('compose.headTo'), list(email.to)],
    [app.t('compose.headCc'), list(email.cc)],
  ]
  return head.filter(([, value]) => value !== '')
}
