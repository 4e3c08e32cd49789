// Texts of the app, typed by the English ones. A text is a string with {names}, or one for each
// plural category, chosen by {n}. Numbers are written as the language does. `mail` and `reader`
// are there at the start; `compose` and `settings` come with the parts that show them.

import type composeTexts from './en/compose.json'
import type keysTexts from './en/keys.json'
import type linksTexts from './en/links.json'
import mail from './en/mail.json'
import reader from './en/reader.json'
import type movingTexts from './en/moving.json'
import type previewTexts from './en/preview.json'
import type settingsTexts from './en/settings.json'
import type shieldTexts from './en/shield.json'

type KeysOf<Name extends string, Texts> = `${Name}.${Extract<keyof Texts, string>}`
export type Key =
  | KeysOf<'mail', typeof mail>
  | KeysOf<'reader', typeof reader>
  | KeysOf<'compose', typeof composeTexts>
  | KeysOf<'settings', typeof settingsTexts>
  | KeysOf<'moving', typeof movingTexts>
  | KeysOf<'links', typeof linksTexts>
  | KeysOf<'keys', typeof keysTexts>
  | KeysOf<'shield', typeof shieldTexts>
  | KeysOf<'preview', typeof previewTexts>
export type Vars = Record<string, string | number>
export type Text = string | Partial<Record<Intl.LDMLPluralRule, string>>
export type Texts = Record<string, Text>
export type Namespace =
  | 'mail' | 'reader' | 'compose' | 'settings' | 'moving' | 'links' | 'keys' | 'shield' | 'preview'

export const LANGUAGES = ['en', 'de', 'es', 'zh'] as const
export type Language = (typeof LANGUAGES)[number]
export const LANGUAGE_NAMES: Record<Language, string> = {
  en: 'English',
  de: 'Deutsch',
  es: 'Español',
  zh: '中文',
}

const english: Partial<Record<Namespace, Texts>> = { mail, reader }
let local: Partial<Record<Namespace, Texts>> = english
let language: Language = 'en'
let plurals = new Intl.PluralRules('en')
let numbers = new Intl.NumberFormat('en')

/** The language's texts, or what is known of the English ones. */
export function t(key: Key, vars: Vars = {}): string {
  const dot = key.indexOf('.')
  const name = key.slice(0, dot) as Namespace
  const rest = key.slice(dot + 1)
  const text = local[name]?.[rest] ?? english[name]?.[rest]
  return text === undefined ? key : fill(text, vars)
}

function fill(text: Text, vars: Vars): string {
  const pattern =
    typeof text === 'string' ? text : (text[plurals.select(Number(vars.n))] ?? text.other ?? '')
  return pattern.replace(/\{(\w+)\}/g, (whole, name: string) => {
    const value = vars[name]
    if (value === undefined) return whole
    return typeof value === 'number' ? numbers.format(value) : value
  })
}

/** The language that is in use; all formats follow it. */
export function currentLanguage(): Language {
  return language
}

/** The same with the browser's region, where it names one: dates and numbers follow it. */
export function currentLocale(): string {
  return navigator.languages.find((one) => one.toLowerCase().split('-')[0] === language) ?? language
}

/** Where lines of this language begin. */
export function directionOf(wished: string): 'ltr' | 'rtl' {
  return /^(ar|fa|he|ur)\b/.test(wished) ? 'rtl' : 'ltr'
}

/** The first of the wished languages that there is. */
export function chooseLanguage(wished: readonly (string | null | undefined)[]): Language {
  for (const wish of wished) {
    const found = LANGUAGES.find((one) => wish?.toLowerCase().split('-')[0] === one)
    if (found) return found
  }
  return 'en'
}

type Loaded = { default: Texts }
const files = import.meta.glob<Loaded>([
  './*/*.json',
  '!./en/mail.json',
  '!./en/reader.json',
  // Their parts bring them: the app's first script names as little as it can.
  '!./*/keys.json',
  '!./*/links.json',
  '!./*/moving.json',
  '!./*/preview.json',
  '!./*/shield.json',
])

async function load(from: Language, name: Namespace): Promise<Texts | undefined> {
  const file = files[`./${from}/${name}.json`]
  return file ? (await file()).default : undefined
}

/** Before the first text is shown. */
export async function setLanguage(wished: Language): Promise<void> {
  const names: Namespace[] = ['mail', 'reader']
  const found: Partial<Record<Namespace, Texts>> = wished === 'en' ? english : {}
  if (wished !== 'en') {
    await Promise.all(names.map(async (name) => Object.assign(found, { [name]: await load(wished, name) })))
  }
  local = found
  language = wished
  plurals = new Intl.PluralRules(wished)
  numbers = new Intl.NumberFormat(currentLocale())
  document.documentElement.lang = wished
  document.dir = directionOf(wished)
}

/** Texts of a part whose code is loaded on demand; await it beside the import. */
export async function loadTexts(
  name: Exclude<Namespace, 'mail' | 'reader'>,
  from: typeof load = load,
): Promise<void> {
  english[name] ??= await from('en', name)
  if (language !== 'en') local[name] ??= await from(language, name)
}
