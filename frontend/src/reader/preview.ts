// An attachment looked at, with its texts: both come when somebody does.

import { loadTexts } from '../i18n/t.ts'
import type { Texts } from '../i18n/t.ts'
import Preview from './Preview.svelte'

const files = import.meta.glob<{ default: Texts }>('../i18n/*/preview.json')

export async function loadPreview(): Promise<typeof Preview> {
  await loadTexts('preview', async (language) => (await files[`../i18n/${language}/preview.json`]?.())?.default)
  return Preview
}
