// What the server found out about a sender (RFC 8601), for people. The fields are those that it
// wrote at delivery itself; of several the topmost counts.

export type Outcome = 'pass' | 'fail' | 'softfail' | 'neutral' | 'none' | 'temperror' | 'permerror' | 'policy'
export type Method = 'spf' | 'dkim' | 'dmarc' | 'arc' | 'iprev'

export interface Finding {
  readonly method: Method
  readonly outcome: Outcome
  /** Of which domain. */
  readonly domain: string | null
}

/** 'verified': it is from whom it says. 'doubtful': it says so, and that was found to be wrong. */
export type Shield = 'verified' | 'partly' | 'doubtful' | 'unknown'

const METHODS = new Set(['spf', 'dkim', 'dmarc', 'arc', 'iprev'])
const OUTCOMES = new Set(['pass', 'fail', 'softfail', 'neutral', 'none', 'temperror', 'permerror', 'policy'])
const PROPERTIES: Readonly<Record<Method, readonly string[]>> = {
  spf: ['smtp.mailfrom', 'smtp.helo'],
  dkim: ['header.d', 'header.i'],
  dmarc: ['header.from'],
  arc: [],
  iprev: ['policy.iprev'],
}

export function findings(fields: readonly string[] | null): Finding[] {
  const top = fields?.[0]
  if (top === undefined) return []
  return withoutComments(top.slice(0, 20_000)).split(';').slice(1).flatMap((part) => findingIn(part) ?? [])
}

function findingIn(part: string): Finding | undefined {
  const match = /^\s*([a-z0-9-]+)(?:\/\d+)?\s*=\s*([a-z]+)/i.exec(part)
  const method = match?.[1]?.toLowerCase()
  const outcome = match?.[2]?.toLowerCase()
  if (method === undefined || outcome === undefined || !METHODS.has(method) || !OUTCOMES.has(outcome)) return undefined
  return { method: method as Method, outcome: outcome as Outcome, domain: domainIn(part, method as Method) }
}

function domainIn(part: string, method: Method): string | null {
  for (const property of PROPERTIES[method]) {
    const found = new RegExp(`${property.replace('.', '\\.')}\\s*=\\s*"?([^\\s;"]+)`, 'i').exec(part)?.[1]
    if (found !== undefined) return found.slice(found.lastIndexOf('@') + 1).toLowerCase()
  }
  return null
}

/** RFC 8601 §2.2 lets comments stand anywhere; they nest. */
function withoutComments(text: string): string {
  let depth = 0
  let kept = ''
  for (const one of text) {
    if (one === '(') depth += 1
    else if (one === ')' && depth > 0) depth -= 1
    else if (depth === 0) kept += one
  }
  return kept
}

export function shieldOf(found: readonly Finding[]): Shield {
  const outcome = (method: Method): Outcome | undefined => found.find((one) => one.method === method)?.outcome
  const dmarc = outcome('dmarc')
  if (dmarc === 'pass') return 'verified'
  if (dmarc === 'fail') return 'doubtful'
  const good = (method: Method): boolean => found.some((one) => one.method === method && one.outcome === 'pass')
  if (good('dkim') || good('spf')) return 'partly'
  const bad = found.some((one) => (one.method === 'spf' || one.method === 'dkim') && (one.outcome === 'fail' || one.outcome === 'softfail'))
  return bad ? 'doubtful' : 'unknown'
}
