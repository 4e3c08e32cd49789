// The service worker: keeps the files of this build, and a bare page to start from. Answers of
// the server are never kept; mail on this device is the app's own matter.

/// <reference lib="webworker" />

const worker = globalThis as unknown as ServiceWorkerGlobalScope
const BUILD = '__BUILD__'
const KEPT = '__KEPT__'.split(' ').filter((path) => path.startsWith('/'))
const FILES = `files-${BUILD}`
const SHELL = 'shell'
const SHELL_AT = '/mail/'
/** After that the kept page is shown; the network goes on for the next time. */
const PATIENCE = 2500

worker.addEventListener('install', (event) => {
  event.waitUntil(Promise.all([keepFiles(), keepFirstShell()]).then(() => worker.skipWaiting()))
})

worker.addEventListener('activate', (event) => {
  event.waitUntil(forgetOldBuilds().then(() => worker.clients.claim()))
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
  const fresh = fetch(event.request)
  event.waitUntil(fresh.then((answer) => keepShell(answer.clone())).catch(() => undefined))
  const kept = await caches.open(SHELL).then((cache) => cache.match(SHELL_AT))
  if (!kept) return fresh
  const late = new Promise<null>((done) => setTimeout(() => done(null), PATIENCE))
  try {
    const answer = await Promise.race([fresh, late])
    // A server that is being started again answers 502 or 503 through its proxy.
    return answer && answer.status < 500 ? answer : kept
  } catch {
    return kept
  }
}

/** The page that installed this worker did not pass through it. */
async function keepFirstShell(): Promise<void> {
  try {
    await keepShell(await fetch(SHELL_AT))
  } catch {
    // with the next page, then
  }
}

/** Without the session and the mail that the page brought along. */
async function keepShell(answer: Response): Promise<void> {
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
}
