// Texts of moving in and out, which come with its page and not with all settings.

import { loadTexts, type Texts } from '../../i18n/t.ts'

const files = import.meta.glob<{ default: Texts }>('../../i18n/*/moving.json')

export const textsAreHere = loadTexts(
  'moving',
  async (language) => (await files[`../../i18n/${language}/moving.json`]?.())?.default,
)
