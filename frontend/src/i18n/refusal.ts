// What the server refuses, in the language of the page: it says why in English only.

import { currentLanguage, t } from './t.ts'

export function refusal(
  error: { description?: string | null } | null | undefined,
  otherwise = t('mail.refused'),
): string {
  return (currentLanguage() === 'en' && error?.description) || otherwise
}
