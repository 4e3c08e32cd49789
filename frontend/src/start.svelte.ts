// The way from an empty page to the first list: what the page brought, or what was kept here.

import { mount } from 'svelte'
import { type App, setApp } from './app.ts'
import { Actions } from './data/act.svelte.ts'
import { MailStore } from './data/mail.svelte.ts'
import { Push } from './data/push.svelte.ts'
import { queryKey } from './data/reading.ts'
import { Sync } from './data/sync.ts'
import type { Boot, FirstBatch } from './data/types.ts'
import { chooseLanguage, loadTexts, setLanguage, t } from './i18n/t.ts'
import { JmapClient } from './jmap/client.ts'
import { RequestFailed } from './jmap/errors.ts'
import { startKeys } from './keys/keys.ts'
import { installSearch } from './search/install.ts'
import { Selected } from './selection/selection.svelte.ts'
import './shell/base.css'
import { keepFocus } from './shell/focus.ts'
import { Layout } from './shell/layout.svelte.ts'
import { followLeaving, makeWay, sessionEnded } from './shell/leave.ts'
import { Lazy } from './shell/lazy.svelte.ts'
import { Prefs } from './shell/prefs.svelte.ts'
import { Asking } from './shell/questions.svelte.ts'
import { Router, urlOf } from './shell/router.svelte.ts'
import Shell from './shell/Shell.svelte'
import { followSystem, setTheme } from './shell/theme.ts'
import { recoverFromOldBuild, registerWorker } from './shell/versions.ts'
import { watch } from './shell/watchdog.ts'
import { welcome } from './shell/welcome.svelte.ts'
import { Live } from './ui/live.svelte.ts'
import { Toasts } from './ui/toasts.svelte.ts'

const COMPOSER_AFTER = 2500

function inlined<T>(id: 'session' | 'first'): T | null {
  const text = document.getElementById(id)?.textContent?.trim()
  return text ? (JSON.parse(text) as T) : null
}

export async function start(): Promise<void> {
  recoverFromOldBuild()
  const brought = inlined<Boot>('session')
  const { boot, isKept } = brought
    ? { boot: brought, isKept: false }
    : await (await import('./shell/boot.ts')).findBoot()
  setTheme(boot.preferences.theme ?? 'system')
  followSystem()
  await setLanguage(chooseLanguage([boot.preferences.language, ...navigator.languages]))

  const asking = new Asking()
  let push: Push | undefined
  const client = new JmapClient({
    session: boot.session,
    csrf: boot.csrf,
    signIn: () => {
      if (asking.isLeaving) return sessionEnded()
      if (asking.isSignedOut) return asking.signIn()
      push?.ended()
      void mail.cache.rest()
      return asking.signIn().finally(keepAccount)
    },
    foreign: () => {
      push?.ended()
      void mail.cache.rest()
      return makeWay('/mail/')
    },
  })
  const keepAccount = () =>
    void mail.cache.keepAccount({
      session: boot.session,
      login: boot.login,
      name: boot.name,
      stays: boot.stays,
      preferences: prefs.now,
      mailboxes: mail.mailboxes,
      quotas: mail.quotas,
      at: Date.now(),
    })
  const prefs = new Prefs(client, boot.preferences)
  const mail = new MailStore(
    client,
    () => prefs.now,
    (changed) => prefs.set(changed),
  )
  const sync = new Sync(mail)
  const router = new Router()
  const layout = new Layout()
  const toasts = new Toasts()
  const live = new Live()
  const selection = new Selected(mail)
  const composer = new Lazy(async () => {
    const [part] = await Promise.all([import('./compose/Composer.svelte'), loadTexts('compose')])
    return part.default
  })
  const act = new Actions(client, mail, sync)

  async function api<T>(method: string, path: string, body?: unknown): Promise<T> {
    const init: RequestInit = { method, headers: { Accept: 'application/json' } }
    if (body !== undefined) {
      init.body = JSON.stringify(body)
      init.headers = { ...init.headers, 'Content-Type': 'application/json' }
    }
    try {
      const response = await client.request(`/account/${path.replace(/^\/+(account\/)?/, '')}`, init)
      const text = await response.text()
      welcome.changed(method, path)
      return (text ? JSON.parse(text) : undefined) as T
    } catch (error) {
      const isAsked = error instanceof RequestFailed && error.problem.reason === 'confirm'
      if (!isAsked || !(await asking.password())) throw error
      return api(method, path, body)
    }
  }

  const app: App = {
    client,
    login: boot.login,
    name: boot.name,
    stays: boot.stays,
    mail,
    act,
    selection,
    get route() {
      return router.route
    },
    go: (route, options) => router.go(route, options),
    back: () => router.back(),
    urlOf,
    toast: (text, options) => toasts.add(text, options),
    announce: (text) => live.say(text),
    t,
    get prefs() {
      return prefs.now
    },
    setPrefs(changed) {
      prefs.set(changed)
    },
    compose(request = {}) {
      Promise.all([composer.get(), import('./compose/open.ts')]).then(
        ([, part]) => part.open(request),
        () => toasts.add(t('mail.partFailed'), { kind: 'danger' }),
      )
    },
    api,
    confirmIdentity: () => asking.password(),
    confirm: (question) => asking.sure(question),
    get layout() {
      return layout.now
    },
  }
  setApp(app)
  followLeaving(asking)

  const first = inlined<FirstBatch>('first')
  document.getElementById('first')?.remove() // or it could be read in the page for as long as that lives
  if (first) mail.takeFirst(first)
  else if (isKept) {
    const kept = await mail.cache.account()
    mail.setMailboxes(kept?.mailboxes ?? [], null)
    mail.quotas = kept?.quotas ?? []
  } else await mail.loadMailboxes()
  installSearch()
  welcome.begin()

  $effect.root(() => {
    $effect.pre(() => {
      const query = mail.queryOfRoute(router.route)
      if (!query) return
      mail.show(query)
      selection.follow(query)
    })
    $effect(() => setTheme(prefs.now.theme))
    let timer: ReturnType<typeof setTimeout> | undefined
    $effect(() => {
      void mail.view.version
      void queryKey(mail.view.query)
      clearTimeout(timer)
      timer = setTimeout(() => void mail.keep(), 1500)
    })
  })
  const isLetter = location.pathname.startsWith('/mail/letter/') // in a window of its own
  const Page = isLetter ? (await import('./compose/PopOut.svelte')).default : Shell
  mount(Page, { target: document.getElementById('app')!, props: { mail, toasts, live, asking, composer } })
  document.querySelector('.no-start')?.remove()
  startKeys()
  keepFocus()
  push = new Push(client, mail, sync)
  push.start()
  mail.onEvent('approval', async (asks) => {
    const { asked } = await import('./approve/asked.svelte.ts')
    void asked.take(asks as Parameters<typeof asked.take>[0])
  })
  watch(client)
  const prepare = () => void composer.get().catch(() => undefined)
  addEventListener('online', prepare)
  setTimeout(() => {
    if (asking.isLeaving) return // it would be kept here again
    prepare()
    void act.loadOperations()
    void registerWorker()
    void welcome.look()
    if (!isKept && !asking.isVeiled) keepAccount()
  }, COMPOSER_AFTER)
}


