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
  /** The server tells of new mail at once. */
  atOnce: boolean
  state: 'active' | 'paused' | 'attention' | 'done'
  isRunning: boolean
  trouble: string
  why: string
  dueAt: string | null
  succeededAt: string | null
  brought: number | null
  /** Not so for a file that is gone. */
  canRun: boolean
  run: Run | null
}

export interface Found {
  foundBy: '' | 'preset' | 'mx' | 'srv' | 'autoconfig' | 'guess'
  login: string
  imap: Server | null
  pop3: Server | null
  smtp: Server | null
  provider: {
    name: string
    title: string
    proof: 'account' | 'app' | 'oauth'
    /** The page there on which a password for programs is made. */
    guide: string
  } | null
  /** Servers of providers that know this one: people sign in there, in their own pages. */
  oauthHosts: string[]
}

export interface LookFolder {
  path: string
  messages: number | null
  octets: number | null
  /** The mailbox that it would become, and what of it would come; not where there was no time. */
  here?: string
  toCome?: number
  octetsToCome?: number
}

export interface Look {
  isWhole: boolean
  folders: LookFolder[]
  /** Free here; null: without a limit. */
  roomOctets?: number | null
  roomMessages?: number | null
  skipped?: string[]
}

export interface ChoiceWish {
  label: string
  once: boolean
  everyMinutes: number
  atOnce: boolean
  twoWay: boolean
  atSource: 'leave' | 'delete'
  afterDays: number
  leaveOut: string[]
  mapped: Record<string, string>
  into: string
  skipSpam: boolean
  keyword: string
  sendAs: (Server & { address: string }) | null
}

export interface Place extends Server {
  kind: 'imap' | 'pop3'
  login: string
}

export interface Wish extends ChoiceWish, Place {
  password: string
}

export interface FileWish {
  name: string
  octets: number
  into: string
  keyword: string
  skipSpam: boolean
}

const one = (id: string, what = '') => `/account/remotes/${id}${what}`

export const remotes = {
  list: () => app.api<Connected[]>('GET', '/account/remotes'),
  find: (address: string) => app.api<Found>('POST', '/account/remotes/find', { address }),
  test: (wish: Wish) => app.api<Look>('POST', '/account/remotes/test', wish),
  add: (wish: Wish) => app.api<{ id: string }>('POST', '/account/remotes', wish),
  look: (id: string) => app.api<Look>('POST', one(id, '/look')),
  choose: (id: string, wish: ChoiceWish) => app.api('PUT', one(id), wish),
  /** To the provider's own page; it leads back to ours. */
  signInThere: async (place: Place) => {
    const { url } = await app.api<{ url: string }>('POST', '/account/remotes/oauth', place)
    location.assign(url)
  },
  beginFile: (wish: FileWish) => app.api<{ path: string }>('POST', '/account/remotes/files', wish),
  run: (id: string) => app.api('POST', one(id, '/run')),
  pause: (id: string) => app.api('POST', one(id, '/pause')),
  undo: (id: string) => app.api('POST', one(id, '/undo')),
  setPassword: (id: string, password: string) => app.api('POST', one(id, '/password'), { password }),
  remove: (id: string) => app.api('DELETE', one(id)),
  exportLink: (form: string) => app.api<{ path: string }>('POST', '/account/export', { form }),
}

const TROUBLES: Readonly<Record<string, Key>> = {
  address: 'moving.trouble_address',
  unreachable: 'moving.trouble_unreachable',
  certificate: 'moving.trouble_certificate',
  tls: 'moving.trouble_tls',
  'sign-in': 'moving.trouble_signIn',
  'second-factor': 'moving.trouble_secondFactor',
  consent: 'moving.trouble_consent',
  throttled: 'moving.trouble_throttled',
  protocol: 'moving.trouble_protocol',
  cut: 'moving.trouble_cut',
  file: 'moving.trouble_file',
  quota: 'moving.trouble_quota',
  sealed: 'moving.trouble_sealed',
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
