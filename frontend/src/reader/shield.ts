// What the server found out about the sender, with its texts: beside the message, and after it.

import { loadTexts } from '../i18n/t.ts'
import type { Texts } from '../i18n/t.ts'
import AuthShield from './AuthShield.svelte'

const files = import.meta.glob<{ default: Texts }>('../i18n/*/shield.json')

export async function loadShield(): Promise<typeof AuthShield> {
  await loadTexts('shield', async (language) => (await files[`../i18n/${language}/shield.json`]?.())?.default)
  return AuthShield
}
