// Who a letter can be from.

import { app } from '../app.ts'
import type { Identity } from './reply.ts'

let identities: Promise<Identity[]> | null = null

/** Read once, and again when the server says that they changed. */
export function readIdentities(): Promise<Identity[]> {
  identities ??= fetchIdentities().catch((error: unknown) => {
    identities = null
    throw error
  })
  return identities
}

export function forgetIdentities(): void {
  identities = null
}

async function fetchIdentities(): Promise<Identity[]> {
  if (!app.client.has('urn:ietf:params:jmap:submission')) return [ownIdentity()]
  const told = await app.client.call<{ list: Identity[] }>('Identity/get', { ids: null })
  return told.list.length > 0 ? told.list : [ownIdentity()]
}

/** Where the server knows of none: the address that one signed in with. */
function ownIdentity(): Identity {
  return {
    id: '',
    name: app.name ?? '',
    email: app.login,
    textSignature: '',
    htmlSignature: '',
  }
}
