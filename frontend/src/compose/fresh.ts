// A letter that begins empty, or with what a link says.

import { app, type ComposeRequest } from '../app.ts'
import { parseRecipients } from './addresses.ts'
import { newDraft, type Draft } from './draft.ts'
import { textToHtml } from './plain.ts'
import type { Identity } from './reply.ts'
import { withSignature, withTextSignature } from './signature.ts'

export function blank(identities: Identity[]): Draft {
  const draft = newDraft(app.mail.accountId, app.login.split('@')[1] ?? '', Date.now())
  draft.plain = app.prefs['plainText'] === true
  draft.identityId = identities[0]?.id ?? null
  return draft
}

export function fresh(request: ComposeRequest, identities: Identity[]): Draft {
  const draft = blank(identities)
  draft.to = parseRecipients(request.to ?? '').found
  draft.cc = parseRecipients(request.cc ?? '').found
  draft.subject = request.subject ?? ''
  const body = request.body ?? ''
  const identity = identities[0] ?? null
  draft.bcc = identity?.bcc ?? []
  if (draft.plain) draft.text = withTextSignature(body, null, identity)
  else draft.html = withSignature(textToHtml(body), identity)
  return draft
}
