import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { chooseLanguage, LANGUAGES, setLanguage, type Text, type Texts, t } from './t.ts'

const NAMES = ['mail', 'reader', 'compose', 'settings', 'moving', 'links', 'keys', 'shield', 'preview'] as const
const SRC = join(import.meta.dirname, '..')
const read = (language: string, name: string) =>
  JSON.parse(readFileSync(join(SRC, 'i18n', language, `${name}.json`), 'utf8')) as Texts
const forms = (text: Text) => (typeof text === 'string' ? [text] : Object.values(text))
const names = (text: Text) =>
  new Set(forms(text).flatMap((one) => [...one.matchAll(/\{(\w+)\}/g)].map((found) => found[1])))

describe.each(LANGUAGES.filter((one) => one !== 'en'))('%s', (language) => {
  it.each(NAMES)('has every text of %s, with the same places to fill', (name) => {
    const english = read('en', name)
    const local = read(language, name)
    expect(Object.keys(local).sort()).toEqual(Object.keys(english).sort())
    for (const [key, text] of Object.entries(local)) {
      const wanted = names(english[key] ?? '')
      // A single one may do without its number.
      wanted.delete('n')
      const found = names(text)
      found.delete('n')
      expect([key, [...found].sort()]).toEqual([key, [...wanted].sort()])
    }
  })

  it('has the plural forms of its language', () => {
    const wanted = new Intl.PluralRules(language).resolvedOptions().pluralCategories
    for (const name of NAMES) {
      for (const [key, text] of Object.entries(read(language, name))) {
        if (typeof text === 'string') continue
        const isWhole = wanted.every((form) => form in text || 'other' in text)
        expect([key, isWhole, 'other' in text]).toEqual([key, true, true])
      }
    }
  })
})

describe('texts in use', () => {
  afterEach(() => setLanguage('en'))

  it('are filled and counted', () => {
    expect(t('mail.moved', { n: 1, folder: 'Bills' })).toBe('Moved to Bills')
    expect(t('mail.moved', { n: 52318, folder: 'Bills' })).toBe('52,318 moved to Bills')
  })

  it('follow the language', async () => {
    await setLanguage('de')
    expect(t('mail.done.archive', { n: 1200 })).toBe('1.200 archiviert')
    expect(document.documentElement.lang).toBe('de')
  })

  it('are in the first language that there is', () => {
    expect(chooseLanguage([null, 'pt-BR', 'es-MX', 'de'])).toBe('es')
    expect(chooseLanguage(['xx'])).toBe('en')
  })
})
