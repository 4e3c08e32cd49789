// The account's own API (/account/), typed.

import { app } from '../app.ts'

export interface AccountState {
  /** What mail programs are to speak with. */
  mailHost: string
  login: string
  name: string | null
  csrf: string
  totp: boolean
  passkeys: number
  recovery: { address: string | null; verified: boolean; codesLeft: number } | null
  checklistDone: boolean
  fresh: boolean
  sessionId: string
}

export interface AppPassword {
  id: string
  name: string
  scopes: string[]
  createdAt: string
  expiresAt: string | null
  lastUsedAt: string | null
}

export interface Session {
  id: string
  createdAt: string
  lastSeenAt: string
  peer: string
  agent: string
  current: boolean
  stays: boolean
}

export interface SignIn {
  at: string
  /** Equal ones of an hour are one: the first of them, and how many they are. */
  firstAt: string
  times: number
  door: string
  peer: string
  agent: string | null
  outcome: string
  credential: string | null
}

export interface Passkey {
  id: string
  name: string
  createdAt: string
  lastUsedAt: string | null
}

export interface Recovery {
  address: string | null
  verified: boolean
  since: string | null
  pending: string | null
  codesLeft: number
}

export const SCOPES = ['imap', 'pop3', 'smtp', 'jmap'] as const

const list = <T>(told: T[] | { list: T[] }): T[] => (Array.isArray(told) ? told : told.list)

export const account = {
  state: () => app.api<AccountState>('GET', '/account/state'),
  setPassword: (fresh: string, appPasswords: boolean) =>
    app.api('POST', '/account/password', { new: fresh, appPasswords }),
  appPasswords: async () => list(await app.api<AppPassword[]>('GET', '/account/app-passwords')),
  addAppPassword: (name: string, scopes: string[], expiresAt: string | null) =>
    app.api<{ id: string; password: string }>('POST', '/account/app-passwords', {
      name,
      scopes,
      ...(expiresAt ? { expiresAt } : {}),
    }),
  removeAppPassword: (id: string) => app.api('DELETE', `/account/app-passwords/${id}`),
  sessions: async () => list(await app.api<Session[]>('GET', '/account/sessions')),
  endSession: (id: string) => app.api('DELETE', `/account/sessions/${id}`),
  endOthers: () => app.api('POST', '/account/sessions/end-others'),
  signIns: async () => list(await app.api<SignIn[]>('GET', '/account/sign-ins?limit=50')),
  beginTotp: () =>
    app.api<{ secret: string; uri: string; qr: string }>('POST', '/account/totp/begin'),
  finishTotp: (code: string) => app.api('POST', '/account/totp/finish', { code }),
  removeTotp: () => app.api('DELETE', '/account/totp'),
  passkeys: async () => list(await app.api<Passkey[]>('GET', '/account/passkeys')),
  removePasskey: (id: string) => app.api('DELETE', `/account/passkeys/${id}`),
  recovery: () => app.api<Recovery>('GET', '/account/recovery'),
  setRecoveryAddress: (address: string) =>
    app.api('POST', '/account/recovery/address', { address }),
  verifyRecoveryAddress: (code: string) =>
    app.api('POST', '/account/recovery/address/verify', { code }),
  removeRecoveryAddress: () => app.api('DELETE', '/account/recovery/address'),
  makeCodes: () => app.api<{ codes: string[] }>('POST', '/account/recovery/codes'),
  checklistDone: () => app.api('POST', '/account/checklist', { done: true }),
}

/** Whether this browser can make passkeys from what the server says. */
export function canMakePasskeys(): boolean {
  return (
    typeof PublicKeyCredential !== 'undefined' &&
    'parseCreationOptionsFromJSON' in PublicKeyCredential
  )
}

export async function makePasskey(name: string): Promise<void> {
  const options = await app.api<PublicKeyCredentialCreationOptionsJSON>(
    'POST',
    '/account/passkeys/begin',
  )
  const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(options)
  const made = (await navigator.credentials.create({ publicKey })) as PublicKeyCredential | null
  if (!made) throw new Error(app.t('settings.cancelled'))
  await app.api('POST', '/account/passkeys/finish', { credential: made.toJSON(), name })
}
