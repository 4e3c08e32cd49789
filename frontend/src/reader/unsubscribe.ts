// Leaving a mailing list by what its messages say of it (RFC 2369 §3.2, RFC 8058).

import { mailto } from './links.ts'
import type { MailTo } from './links.ts'

export type Unsubscribe =
  | { readonly way: 'link'; readonly url: string; readonly oneClick: boolean }
  | { readonly way: 'mail'; readonly letter: MailTo }

/** The best way of those offered, or null. */
export function unsubscribeBy(urls: readonly string[] | null, post: string | null): Unsubscribe | null {
  const oneClick = (post ?? '').trim().toLowerCase() === 'list-unsubscribe=one-click'
  const links = (urls ?? []).filter((one) => /^https?:\/\//i.test(one.trim()))
  const secure = links.find((one) => /^https:/i.test(one.trim())) ?? links[0]
  const letter = (urls ?? []).map(mailto).find((one) => one !== null && one.to !== '')
  if (secure !== undefined && oneClick) return { way: 'link', url: secure.trim(), oneClick: /^https:/i.test(secure.trim()) }
  if (letter) return { way: 'mail', letter }
  return secure === undefined ? null : { way: 'link', url: secure.trim(), oneClick: false }
}
