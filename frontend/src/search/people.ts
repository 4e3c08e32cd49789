// People seen in mail on this device: those of the messages that are known, and those found before.

import { app } from '../app.ts'
import type { Person } from './suggest.ts'

const MOST = 300
const seen = new Map<string, Person>()

export function seenPeople(): Person[] {
  for (const id of app.mail.view.known().slice(0, MOST)) {
    const email = app.mail.email(id)
    for (const one of [...(email?.from ?? []), ...(email?.to ?? []).slice(0, 5)]) {
      const key = one.email.toLowerCase()
      if (!seen.has(key) && seen.size < MOST) seen.set(key, { name: one.name, email: one.email })
    }
  }
  return [...seen.values()]
}
