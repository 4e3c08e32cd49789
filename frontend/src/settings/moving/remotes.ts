// Accounts at other providers, and the way out: what the server says of them and does.

import { app } from '../../app.ts'
import type { Key } from '../../i18n/t.ts'
import { RequestFailed } from '../../jmap/errors.ts'

export interface Server {
  host: string
  port: number
  tls: 'implicit' | 'starttls' | 'none'
}

export interface Run {
  startedBy: 'schedule' | 'hand' | 'undo'
  startedAt: string
  updatedAt: string
  endedAt: string | null
  outcome: 'running' | 'done' | 'failed' | 'stopped' | 'interrupted'
  foldersDone: number
  folders: number
  folder: string
  messagesDone: number
  messages: number
  octetsDone: number
  octets: number
  brought: number
  octetsBrought: number
  failed: number
  removed: number
  throttledUntil: string | null
  troubles: { folder: string; subject: string; why: string }[]
}

export interface Connected {
  id: string
  label: string
  kind: 'imap' | 'pop3' | 'file'
  server: Server | null
  login: string
  once: boolean
  everySeconds: number
  state: 'active' | 'paused' | 'attention' | 'done'
  isRunning: boolean
  trouble: string
  why: string
  dueAt: string | null
  succeededAt: string | null
  brought: number | null
  run: Run | null
}

export interface Found {
  foundBy: '' | 'preset' | 'mx' | 'srv' | 'autoconfig' | 'guess'
  login: string
  imap: Server | null
  pop3: Server | null
  provider: { name: string; title: string; proof: 'account' | 'app' | 'oauth' } | null
}

export interface Look {
  isWhole: boolean
  folders: { path: string; messages: number | null; octets: number | null }[]
  toCome?: number
  octetsToCome?: number
  missingOctets?: number
  missingMessages?: number
  skipped?: string[]
}

export interface Wish extends Server {
  kind: 'imap' | 'pop3'
  login: string
  password: string
  label?: string
  once?: boolean
  everyMinutes?: number
  atSource?: 'leave' | 'delete'
  afterDays?: number
  skipSpam?: boolean
  keyword?: string
}

const one = (id: string, what = '') => `/account/remotes/${id}${what}`

export const remotes = {
  list: () => app.api<Connected[]>('GET', '/account/remotes'),
  find: (address: string) => app.api<Found>('POST', '/account/remotes/find', { address }),
  test: (wish: Wish) => app.api<Look>('POST', '/account/remotes/test', wish),
  add: (wish: Wish) => app.api<{ id: string }>('POST', '/account/remotes', wish),
  run: (id: string) => app.api('POST', one(id, '/run')),
  pause: (id: string) => app.api('POST', one(id, '/pause')),
  undo: (id: string) => app.api('POST', one(id, '/undo')),
  setPassword: (id: string, password: string) => app.api('POST', one(id, '/password'), { password }),
  remove: (id: string) => app.api('DELETE', one(id)),
  exportLink: (form: string) => app.api<{ path: string }>('POST', '/account/export', { form }),
}

const TROUBLES: Readonly<Record<string, Key>> = {
  address: 'settings.trouble_address',
  unreachable: 'settings.trouble_unreachable',
  certificate: 'settings.trouble_certificate',
  tls: 'settings.trouble_tls',
  'sign-in': 'settings.trouble_signIn',
  'second-factor': 'settings.trouble_secondFactor',
  consent: 'settings.trouble_consent',
  throttled: 'settings.trouble_throttled',
  protocol: 'settings.trouble_protocol',
  cut: 'settings.trouble_cut',
  quota: 'settings.trouble_quota',
  sealed: 'settings.trouble_sealed',
}

/** Its sentence with a next step; for what has none here, the server's. */
export function sentenceOf(trouble: string, why: string, host: string): string {
  const key = TROUBLES[trouble]
  return key ? app.t(key, { host }) : why
}

/** Why another server could not be asked; null: it is another kind of failure. */
export function refusalOf(error: unknown): { trouble: string; why: string } | null {
  if (!(error instanceof RequestFailed) || error.status !== 422) return null
  return { trouble: String(error.problem['reason'] ?? ''), why: error.message }
}
