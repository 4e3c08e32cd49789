import { setLanguage } from './i18n/t.ts'

await setLanguage('en')
