// What the reader asks of a message beyond what the list knows. Each part of the page waits for its
// own answer: a list of attachments that does not come never holds up the text.

import { app } from '../app.ts'
import type { Address, Email, Id, UtcDate } from '../data/types.ts'
import { currentLanguage } from '../i18n/t.ts'
import type { Part } from './files.ts'

export interface Details {
  readonly id: Id
  readonly cc: Address[] | null
  readonly bcc: Address[] | null
  readonly replyTo: Address[] | null
  readonly sender: Address[] | null
  readonly sentAt: string | null
  readonly messageId: string[] | null
  readonly attachments: Part[] | null
  readonly 'header:List-Unsubscribe:asURLs': string[] | null
  readonly 'header:List-Unsubscribe-Post:asText': string | null
  readonly 'header:List-Id:asText': string | null
  readonly 'header:Authentication-Results:asText:all': string[] | null
}

const PROPERTIES = [
  'id', 'cc', 'bcc', 'replyTo', 'sender', 'sentAt', 'messageId', 'attachments',
  'header:List-Unsubscribe:asURLs',
  'header:List-Unsubscribe-Post:asText',
  'header:List-Id:asText',
  'header:Authentication-Results:asText:all',
] as const

/** What the server tells of a body (web.md §4.3): everything a reader should know before trusting it. */
export interface Facts {
  readonly kind: 'html' | 'text'
  readonly remoteImages: number
  readonly trackers: number
  readonly mismatchedLinks: readonly { readonly text: string; readonly host: string }[]
  readonly formsRemoved: boolean
  readonly truncated: boolean
  readonly imagesCanBeShown: boolean
  readonly textOnly: boolean
  readonly darkAware: boolean
}

/** Of the rules by which bodies are cleaned; the address changes with them, so nothing old is kept. */
const POLICY = 1
const MOST_KEPT = 200
const LIMIT = 8000 // as long as a body may take

class Kept<T> {
  private readonly answers = new Map<string, Promise<T>>()

  /** One question for all who ask; what failed is forgotten, so that it can be asked again. */
  get(key: string, ask: () => Promise<T>): Promise<T> {
    const there = this.answers.get(key)
    if (there) return there
    const answer = ask()
    this.answers.set(key, answer)
    answer.catch(() => this.answers.delete(key))
    const oldest = this.answers.keys().next()
    if (this.answers.size > MOST_KEPT && !oldest.done) this.answers.delete(oldest.value)
    return answer
  }
}

const details = new Kept<Details>()
const facts = new Kept<Facts>()
const sources = new Kept<string>()

export function detailsOf(id: Id): Promise<Details> {
  return details.get(id, async () => {
    const answer = await app.client.call('Email/get', { ids: [id], properties: PROPERTIES }, { timeout: LIMIT })
    const found = answer.list[0] as unknown as Details | undefined
    if (!found) throw new Error('gone')
    return found
  })
}

export function factsOf(email: Email): Promise<Facts> {
  return facts.get(email.blobId, async () => {
    const answer = await app.client.request(`${messagePath(email, 'facts')}?v=${String(POLICY)}&lang=${currentLanguage()}`, { signal: AbortSignal.timeout(LIMIT) })
    return (await answer.json()) as Facts
  })
}

export function sourceOf(email: Email): Promise<string> {
  return sources.get(email.blobId, async () => {
    const answer = await app.client.request(messagePath(email, 'source'), { signal: AbortSignal.timeout(LIMIT) })
    return answer.text()
  })
}

export function messagePath(email: Email, last: string): string {
  return `/m/${encodeURIComponent(app.mail.accountId)}/${encodeURIComponent(email.blobId)}/${last}`
}

export interface Variant {
  readonly images: boolean
  readonly dark: boolean
  readonly whole: boolean
}

export function bodyPath(email: Email, variant: Variant, attempt: number): string {
  const { images, dark, whole } = variant
  const query = `v=${String(POLICY)}&img=${images ? '1' : '0'}&theme=${dark ? 'd' : 'l'}&all=${whole ? '1' : '0'}&lang=${currentLanguage()}`
  // The browser lets a second request for the same address wait for the first one.
  return `${messagePath(email, 'body')}?${query}${attempt > 1 ? `&try=${String(attempt)}` : ''}`
}

export function textPath(email: Email, dark: boolean, attempt: number): string {
  return `${messagePath(email, 'text')}?v=${String(POLICY)}&theme=${dark ? 'd' : 'l'}&lang=${currentLanguage()}&try=${String(attempt)}`
}

/** When somebody meant it to be sent; the list shows when it came. */
export function dateOf(email: Email, known: Details | null): UtcDate {
  return known?.sentAt ?? email.receivedAt
}
