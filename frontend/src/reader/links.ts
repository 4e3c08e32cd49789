// What a link in a message says, and where it goes.

/** A text that looks like an address of a page. */
const LOOKS_LIKE_ADDRESS = /^(?:https?:\/\/)?([a-z0-9\u00a0-\uffff-]+(?:\.[a-z0-9\u00a0-\uffff-]+)+)(?:[/:?#]\S*)?$/i

/** The host that a link really goes to, if its text names another one; else null. */
export function otherHost(text: string, href: string): string | null {
  const said = LOOKS_LIKE_ADDRESS.exec(text.trim())?.[1]
  if (said === undefined || !/\.[a-z\u00a0-\uffff]{2,}$/i.test(said)) return null
  const real = hostOf(href)
  const named = hostOf(`https://${said}`)
  if (real === null || named === null || (same(real, named) && !isMixed(said))) return null
  return real
}

/** Letters of Latin and of another script: one of those may look like one of these. */
function isMixed(domain: string): boolean {
  return /\p{sc=Latn}/u.test(domain) && /(?!\p{sc=Latn})\p{L}/u.test(domain)
}

/** With the name that its domain really has, where another's can be read in it. */
export function shownAddress(address: string): string {
  const domain = address.replace(/.*@/, '')
  return isMixed(domain) ? `${address} (${hostOf(`http://${domain}`)})` : address
}

function hostOf(href: string): string | null {
  try {
    const url = new URL(href)
    return url.protocol === 'http:' || url.protocol === 'https:' ? url.hostname : null
  } catch {
    return null
  }
}

/** One is the other, or a part of it: "www.example.org" and "example.org". */
function same(a: string, b: string): boolean {
  return a === b || a.endsWith(`.${b}`) || b.endsWith(`.${a}`)
}

export interface MailTo {
  readonly to: string
  readonly cc: string
  readonly subject: string
  readonly body: string
}

/** RFC 6068. Only fields that are safe to fill in; the rest is left out (RFC 6068 §4). */
export function mailto(href: string): MailTo | null {
  const match = /^mailto:([^?#]*)(?:\?([^#]*))?/i.exec(href.trim())
  if (!match) return null
  const fields = new Map<string, string>()
  for (const pair of (match[2] ?? '').split('&')) {
    const [name, value] = pair.split('=', 2)
    const key = decoded(name ?? '').toLowerCase()
    const before = fields.get(key)
    const text = decoded(value ?? '')
    fields.set(key, before !== undefined && (key === 'to' || key === 'cc') ? `${before}, ${text}` : text)
  }
  const more = fields.get('to')
  const to = [decoded(match[1] ?? ''), ...(more === undefined ? [] : [more])].filter((one) => one !== '').join(', ')
  return { to, cc: fields.get('cc') ?? '', subject: fields.get('subject') ?? '', body: fields.get('body') ?? '' }
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}
