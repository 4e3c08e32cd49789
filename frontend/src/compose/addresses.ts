// Recipients as people type and paste them: one, or many divided by commas, semicolons and lines.

export interface Recipient {
  name: string | null
  email: string
}

export interface Parsed {
  found: Recipient[]
  wrong: string[]
}

const MOST_LOCAL = 64 // octets, RFC 5321 §4.5.3.1.1
const MOST_ADDRESS = 254 // octets that fit a path, RFC 5321 §4.5.3.1.3
const LABEL = /^[\p{L}\p{N}]([\p{L}\p{N}\p{M}-]{0,61}[\p{L}\p{N}\p{M}])?$/u
const DOT_ATOM = /^[^\s@<>()[\]\\,;:".]+(\.[^\s@<>()[\]\\,;:".]+)*$/u
const QUOTED_LOCAL = /^"(?:[^"\\\r\n]|\\.)+"$/

/** Whether mail can be sent to it as it stands. */
export function isAddress(email: string): boolean {
  const at = email.lastIndexOf('@')
  if (at < 1 || new TextEncoder().encode(email).length > MOST_ADDRESS) return false
  const local = email.slice(0, at)
  const domain = email.slice(at + 1)
  if (new TextEncoder().encode(local).length > MOST_LOCAL) return false
  if (!DOT_ATOM.test(local) && !QUOTED_LOCAL.test(local)) return false
  if (/^\[[0-9a-fA-F.:]+(?:IPv6:[0-9a-fA-F:.]+)?\]$/.test(domain)) return true
  const labels = domain.replace(/\.$/, '').split('.')
  return labels.length > 0 && labels.every((label) => LABEL.test(label))
}

/** What is between commas, semicolons and line ends, but not within quotes, comments or angles. */
export function splitList(text: string): string[] {
  const parts: string[] = []
  let current = ''
  let quoted = false
  let depth = 0
  let angle = false
  for (let i = 0; i < text.length; i++) {
    const c = text[i]!
    if (quoted) {
      current += c
      if (c === '\\' && i + 1 < text.length) current += text[++i]
      else if (c === '"') quoted = false
      continue
    }
    const ends = c === '\n' || c === '\r' || ((c === ',' || c === ';') && !angle && depth === 0)
    if (ends) {
      parts.push(current)
      current = ''
      depth = 0
      angle = false
      continue
    }
    if (c === '"') quoted = opensQuote(current)
    else if (c === '(') depth++
    else if (c === ')') depth = Math.max(0, depth - 1)
    else if (c === '<') angle = true
    else if (c === '>') angle = false
    current += c
  }
  parts.push(current)
  return parts.map((part) => part.trim()).filter((part) => part !== '')
}

/** A quote in the middle of a word (5" disk) is only a character. */
function opensQuote(before: string): boolean {
  return before === '' || /[\s<.(]$/.test(before)
}

/** One recipient; null where there is no address in it. */
export function parseRecipient(text: string): Recipient | null {
  let rest = text.trim().replace(/^mailto:/i, '')
  const angle = /^(?<name>.*?)\s*<\s*(?:mailto:)?(?<email>[^<>]*?)\s*>\s*$/s.exec(rest)
  if (angle?.groups) {
    const email = tidyAddress(angle.groups['email']!)
    return isAddress(email) ? { name: tidyName(angle.groups['name']!), email } : null
  }
  const comment = /^(?<email>\S+@\S+)\s*\((?<name>[^()]*)\)$/.exec(rest)
  if (comment?.groups) {
    const email = tidyAddress(comment.groups['email']!)
    return isAddress(email) ? { name: tidyName(comment.groups['name']!), email } : null
  }
  rest = tidyAddress(rest)
  if (isAddress(rest)) return { name: null, email: rest }
  const last = /^(?<name>.*\S)\s+(?<email>\S+@\S+)$/s.exec(rest)
  if (!last?.groups || last.groups['name']!.includes('@')) return null
  const email = tidyAddress(last.groups['email']!)
  return isAddress(email) ? { name: tidyName(last.groups['name']!), email } : null
}

/** Everything in a pasted text; what is no recipient is handed back as it was. */
export function parseRecipients(text: string): Parsed {
  const found: Recipient[] = []
  const wrong: string[] = []
  for (const part of splitList(text)) {
    const one = parseRecipient(part)
    if (one) {
      found.push(one)
      continue
    }
    const words = part.split(/\s+/).map(parseRecipient)
    if (words.length > 1 && words.every((word) => word !== null)) found.push(...words)
    else wrong.push(part)
  }
  return { found: withoutDoubles(found), wrong }
}

function tidyAddress(email: string): string {
  const trimmed = email.trim().replace(/^['<]+|['>.]+$/g, '')
  const at = trimmed.lastIndexOf('@')
  if (at < 0) return trimmed
  return trimmed.slice(0, at) + '@' + trimmed.slice(at + 1).toLowerCase()
}

function tidyName(name: string): string | null {
  let tidy = name.trim()
  const quoted = /^"((?:[^"\\]|\\.)*)"$/s.exec(tidy)
  if (quoted) tidy = quoted[1]!.replace(/\\(.)/gs, '$1')
  else tidy = tidy.replace(/^'(.*)'$/s, '$1')
  tidy = tidy.replace(/\s+/g, ' ').trim()
  return tidy === '' ? null : tidy
}

/** The form in which it can be typed again. */
export function formatRecipient(one: Recipient): string {
  if (!one.name) return one.email
  const plain = /^[\p{L}\p{N}\p{M}!#$%&'*+/=?^_`{|}~ -]+$/u.test(one.name)
  const name = plain ? one.name : `"${one.name.replace(/(["\\])/g, '\\$1')}"`
  return `${name} <${one.email}>`
}

/** Addresses that reach one mailbox: the domain's case never matters, and hardly ever the rest's. */
export function addressKey(email: string): string {
  return email.trim().toLowerCase()
}

/** The first of each address, with a name if any of them has one. */
export function withoutDoubles(list: readonly Recipient[]): Recipient[] {
  const byKey = new Map<string, Recipient>()
  for (const one of list) {
    const key = addressKey(one.email)
    const before = byKey.get(key)
    if (!before) byKey.set(key, { ...one })
    else if (!before.name && one.name) before.name = one.name
  }
  return [...byKey.values()]
}

/** anna+shop@example.org → anna@example.org. */
export function withoutDetail(email: string): string {
  const at = email.lastIndexOf('@')
  if (at < 0) return email
  const plus = email.indexOf('+')
  return plus > 0 && plus < at ? email.slice(0, plus) + email.slice(at) : email
}
