// A page that is older than its server: parts of it may be gone there. It reloads itself once.

const FLAG = 'pillarbox-reloaded'
const ONCE_IN = 60_000

/**
 * Vite says when a part of the app cannot be fetched; who asked for it tells that it failed. Where
 * the server answers, it has another build, and the page begins again; letters that are being
 * written are kept by then. Without a network nothing is lost by waiting.
 */
export function recoverFromOldBuild(): void {
  addEventListener('vite:preloadError', () => void reloadOnce())
}

async function reloadOnce(): Promise<void> {
  const last = Number(sessionStorage.getItem(FLAG) ?? 0)
  if (Date.now() - last < ONCE_IN) return
  try {
    const answer = await fetch('/mail/', { method: 'HEAD', cache: 'no-store' })
    if (!answer.ok) return
  } catch {
    return
  }
  sessionStorage.setItem(FLAG, String(Date.now()))
  location.reload()
}

/** The worker that starts the app without a network. */
export async function registerWorker(): Promise<void> {
  if (!('serviceWorker' in navigator) || import.meta.env.DEV) return
  try {
    await navigator.serviceWorker.register(scriptUrl('/sw.js'), { scope: '/mail/', updateViaCache: 'none' })
  } catch {
    // without it a network is needed
  }
}

interface Policy {
  createScriptURL(url: string): string
}

/** Of the one policy of ours; it knows one address. */
function scriptUrl(url: '/sw.js'): string {
  const types = (globalThis as { trustedTypes?: { createPolicy(n: string, r: Policy): Policy } })
    .trustedTypes
  const policy = types?.createPolicy('app', {
    createScriptURL: (asked) => {
      if (asked !== '/sw.js') throw new TypeError(asked)
      return asked
    },
  })
  return policy ? policy.createScriptURL(url) : url
}
