// The part of the composer that comes after its window. Whoever needs it waits for it; where it
// cannot be had that is said, and the next who asks tries again.

import { app } from '../app.ts'
import { Lazy } from '../shell/lazy.svelte.ts'

export const rest = new Lazy(() =>
  import('./rest.ts').catch(() => {
    throw new Error(app.t('mail.partFailed'))
  }),
)
