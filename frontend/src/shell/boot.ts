// Who is signed in, where the page did not bring it.

import { Cache } from '../data/cache.ts'
import type { Boot } from '../data/types.ts'

/** From the server, and from this device without one. */
export async function findBoot(): Promise<{ boot: Boot; isKept: boolean }> {
  try {
    const [state, session] = await Promise.all([
      fetch('/account/state', { headers: { Accept: 'application/json' } }),
      fetch('/jmap/session', { headers: { Accept: 'application/json', 'X-Csrf-Token': '' } }),
    ])
    if (state.status === 401 || session.status === 401) {
      location.assign(`/sign-in?next=${encodeURIComponent(location.pathname + location.search)}`)
      return new Promise(() => undefined)
    }
    const { login, name, csrf, stays } = await state.json()
    const preferences = await (await fetch('/account/preferences')).json()
    const boot = { session: await session.json(), csrf, login, name, stays, preferences }
    return { boot, isKept: false }
  } catch (error) {
    const kept = await Cache.last()
    if (!kept) throw error
    return { boot: { ...kept, csrf: '' }, isKept: true }
  }
}
