// The service worker: keeps the files of this build, and a bare page to start from. Answers of
// the server are never kept; mail on this device is the app's own matter.

/// <reference lib="webworker" />

const worker = globalThis as unknown as ServiceWorkerGlobalScope
const BUILD = '__BUILD__'
const KEPT = '__KEPT__'.split(' ').filter((path) => path.startsWith('/'))
const FILES = `files-${BUILD}`
const SHELL = 'shell'
const SHELL_AT = '/mail/'
/** In every answer of the server: which build it has. */
const BUILD_FIELD = 'x-pillarbox-app'
/** After that the kept page is shown; the network goes on for the next time. */
const PATIENCE = 2500

interface Route {
  condition: { urlPattern: string; requestMethod: string }
  source: 'cache'
}
type Installing = ExtendableEvent & { addRoutes?: (routes: Route[]) => Promise<void> }

worker.addEventListener('install', (event: Installing) => {
  // Where the browser knows how, it takes files from what is kept without waking this worker.
  const files: Route = { condition: { urlPattern: '/assets/*', requestMethod: 'get' }, source: 'cache' }
  const routes = event.addRoutes?.([files]).catch(() => undefined)
  event.waitUntil(Promise.all([routes, keepFiles(), keepShell()]).then(() => worker.skipWaiting()))
})

worker.addEventListener('activate', (event) => {
  // The page is asked for while this worker is being started.
  const preload = worker.registration.navigationPreload?.enable().catch(() => undefined)
  event.waitUntil(Promise.all([preload, forgetOldBuilds()]).then(() => worker.clients.claim()))
})

worker.addEventListener('message', (event) => {
  if (event.data === 'forget') event.waitUntil(caches.delete(SHELL))
})

worker.addEventListener('fetch', (event) => {
  const { request } = event
  const url = new URL(request.url)
  if (request.method !== 'GET' || url.origin !== location.origin) return
  if (request.mode === 'navigate' && url.pathname.startsWith(SHELL_AT)) {
    event.respondWith(page(event))
  } else if (url.pathname.startsWith('/assets/') && KEPT.includes(url.pathname)) {
    event.respondWith(file(request))
  }
})

/** What an older build has already is not fetched again: a name stands for one content. */
async function keepFiles(): Promise<void> {
  const cache = await caches.open(FILES)
  await Promise.all(
    KEPT.map(async (path) => {
      const known = await caches.match(path)
      const answer = known ?? (await fetch(path, { credentials: 'omit' }))
      if (answer.ok) await cache.put(path, answer)
    }),
  )
}

/** The build before this one stays for tabs that still run it. */
async function forgetOldBuilds(): Promise<void> {
  const names = (await caches.keys()).filter((name) => name.startsWith('files-'))
  const old = names.filter((name) => name !== FILES)
  for (const name of old.slice(0, -1)) await caches.delete(name)
}

async function file(request: Request): Promise<Response> {
  return (await caches.match(request.url)) ?? fetch(request)
}

async function page(event: FetchEvent): Promise<Response> {
  const fresh = asked(event)
  const late = new Promise<null>((done) => setTimeout(() => done(null), PATIENCE))
  const answer = await Promise.race([fresh, late]).catch(() => null)
  event.waitUntil(fresh.then(refreshShell).catch(() => undefined))
  // A server that is being started again answers 502 or 503 through its proxy.
  if (answer && answer.status < 500) return answer
  const kept = await keptShell()
  return kept ?? fresh
}

async function asked(event: FetchEvent): Promise<Response> {
  const early = (await event.preloadResponse) as Response | undefined
  return early ?? fetch(event.request)
}

async function keptShell(): Promise<Response | undefined> {
  return (await caches.open(SHELL)).match(SHELL_AT)
}

/** The page on its way to a window is not touched: reading along would hold it up. */
async function refreshShell(answer: Response): Promise<void> {
  // It leads to signing in: nobody who is not signed in starts the app, without a network either.
  if (answer.type === 'opaqueredirect') return void (await caches.delete(SHELL))
  const kept = await keptShell()
  if (kept?.headers.get(BUILD_FIELD) !== answer.headers.get(BUILD_FIELD)) await keepShell()
}

/** Without the session and the mail that the page brings along. */
async function keepShell(): Promise<void> {
  try {
    const answer = await fetch(SHELL_AT)
    const isPage = answer.headers.get('content-type')?.startsWith('text/html')
    if (!answer.ok || answer.redirected || !isPage) return
    const text = await answer.text()
    const bare = text.replace(/<script type="application\/json"[^>]*>[^<]*<\/script>/g, '')
    if (!bare.includes('id="app"')) return
    const headers = new Headers(answer.headers)
    headers.delete('content-encoding')
    headers.delete('content-length')
    headers.delete('set-cookie')
    const cache = await caches.open(SHELL)
    await cache.put(SHELL_AT, new Response(bare, { headers }))
  } catch {
    // with the next page, then
  }
}
