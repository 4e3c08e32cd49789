// Texts of the list of keys, which come when it is looked at.

import { loadTexts } from '../i18n/t.ts'
import type { Texts } from '../i18n/t.ts'

const files = import.meta.glob<{ default: Texts }>('../i18n/*/keys.json')

/** What is there already is not fetched again. */
export function loadKeyTexts(): Promise<void> {
  return loadTexts('keys', async (language) => (await files[`../i18n/${language}/keys.json`]?.())?.default)
}
