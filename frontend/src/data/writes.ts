// Patches of messages: seen at once, sent in portions, taken back where the server refuses.

import type { JmapClient } from '../jmap/client.ts'
import { NetworkFailed } from '../jmap/errors.ts'
import type { SetError } from '../jmap/methods.ts'
import type { MailStore } from './mail.svelte.ts'
import type { Email, Id } from './types.ts'

/** As in RFC 8620 §5.3: "keywords/$seen": true, "mailboxIds/F2": null. */
export type EmailPatch = Record<string, true | null>

export interface Refused {
  id: Id
  error: SetError
}

export function patched(email: Email, patch: EmailPatch): Email {
  const next = {
    ...email,
    keywords: { ...email.keywords },
    mailboxIds: { ...email.mailboxIds },
  }
  for (const [path, value] of Object.entries(patch)) {
    const slash = path.indexOf('/')
    const part = path.slice(0, slash) === 'keywords' ? next.keywords : next.mailboxIds
    const name = unescaped(path.slice(slash + 1))
    if (value === null) delete part[name]
    else part[name] = true
  }
  return next
}

/** What takes a patch back, for one message as it was. */
export function reverse(email: Email, patch: EmailPatch): EmailPatch {
  const back: EmailPatch = {}
  for (const path of Object.keys(patch)) {
    const slash = path.indexOf('/')
    const part = path.slice(0, slash) === 'keywords' ? email.keywords : email.mailboxIds
    back[path] = unescaped(path.slice(slash + 1)) in part ? true : null
  }
  return back
}

/** A name inside a path (RFC 6901 §3). */
export function pathOf(part: 'keywords' | 'mailboxIds', name: string): string {
  return `${part}/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`
}

function unescaped(name: string): string {
  return name.replaceAll('~1', '/').replaceAll('~0', '~')
}

/**
 * Writes all; those that the server refused are as they were again. Null: there is no connection,
 * and they wait for one. Nothing overtakes what waits already.
 */
export async function write(
  client: JmapClient,
  mail: MailStore,
  patches: Map<Id, EmailPatch>,
): Promise<Refused[] | null> {
  if (mail.push !== 'offline' && mail.later.isEmpty) {
    try {
      return await writeNow(client, mail, patches)
    } catch (error) {
      if (!(error instanceof NetworkFailed)) throw error
    }
  }
  mail.later.add(patches)
  const refused = mail.push === 'live' ? await mail.later.send() : []
  return mail.later.isEmpty ? refused.filter((one) => patches.has(one.id)) : null
}

async function writeNow(
  client: JmapClient,
  mail: MailStore,
  patches: Map<Id, EmailPatch>,
): Promise<Refused[]> {
  const overlays = new Map(
    [...patches].map(([id, patch]) => {
      const change = (email: Email) => patched(email, patch)
      return [id, { change, takeAway: mail.emails.overlay(id, change) }]
    }),
  )
  const refused: Refused[] = []
  const ids = [...patches.keys()]
  const portion = client.limit('maxObjectsInSet')
  try {
    for (let at = 0; at < ids.length; at += portion) {
      const part = ids.slice(at, at + portion)
      const update = Object.fromEntries(part.map((id) => [id, patches.get(id)]))
      // A patch says what is to be, not what is to change: done twice it is the same.
      const answer = await client.call('Email/set', { update }, { retries: 2 })
      const not = answer.notUpdated ?? {}
      for (const id of part) {
        const error = not[id]
        if (error) refused.push({ id, error })
        else settle(mail, id, overlays.get(id))
      }
    }
  } finally {
    for (const one of overlays.values()) one.takeAway()
  }
  return refused
}

function settle(mail: MailStore, id: Id, overlay: { change: (e: Email) => Email } | undefined): void {
  if (overlay) mail.emails.settle(id, overlay.change)
}
