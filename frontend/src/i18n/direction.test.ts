import { expect, it } from 'vitest'
import { directionOf, setLanguage } from './t.ts'

it.each([
  ['ar', 'rtl'],
  ['he-IL', 'rtl'],
  ['fa', 'rtl'],
  ['ur-PK', 'rtl'],
  ['de', 'ltr'],
  ['zh', 'ltr'],
  ['arn', 'ltr'],
])('lines of %s run %s', (language, direction) => {
  expect(directionOf(language)).toBe(direction)
})

it('the page runs as its language does', async () => {
  document.dir = 'rtl'
  await setLanguage('de')
  expect(document.dir).toBe('ltr')
})
