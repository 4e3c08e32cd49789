// The part of the composer that comes after its window. Whoever needs it waits for it; where it
// cannot be had that is said, and the next who asks tries again.

import { app } from '../app.ts'
import { Lazy } from '../shell/lazy.svelte.ts'

const orWords = <T>(load: () => Promise<T>) =>
  new Lazy(() =>
    load().catch(() => {
      throw new Error(app.t('mail.partFailed'))
    }),
  )

export const rest = orWords(() => import('./rest.ts'))
export const tools = orWords(() => import('./tools.ts'))
export const emoji = orWords(() => import('./EmojiPicker.svelte'))
