// What the server found out about the sender, with its texts: beside the message, and after it.

import { app } from '../app.ts'
import type { Email } from '../data/types.ts'
import { loadTexts } from '../i18n/t.ts'
import type { Texts } from '../i18n/t.ts'
import AuthShield from './AuthShield.svelte'
import { messagePath } from './details.svelte.ts'

const files = import.meta.glob<{ default: Texts }>('../i18n/*/shield.json')

interface Shield {
  AuthShield: typeof AuthShield
  fields: string[]
}

/** Only what this server wrote at delivery: the header of a message may say anything. */
export async function loadShield(email: Email): Promise<Shield> {
  const [answer] = await Promise.all([
    app.client.request(messagePath(email, 'findings')),
    loadTexts('shield', async (language) => (await files[`../i18n/${language}/shield.json`]?.())?.default),
  ])
  const { fields } = (await answer.json()) as { fields: string[] }
  return { AuthShield, fields }
}
