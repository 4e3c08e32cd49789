import { expect, it } from 'vitest'
import { agentOf } from './when.ts'

it.each([
  ['Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0 Safari/537.36', 'Chrome · Linux'],
  ['Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:140.0) Firefox/140.0', 'Firefox · Windows'],
  ['your administrator. To keep your mail choose the FIRST number', ''],
  ['Firefox/1 your administrator: choose the first number', 'Firefox'],
  ['', ''],
  [null, ''],
])('%s is shown as "%s"', (given, shown) => {
  expect(agentOf(given)).toBe(shown)
})
