// What the app never does with what strangers wrote (web.md §4.4).

import { describe, expect, it } from 'vitest'

const sources = import.meta.glob<string>(['./**/*.svelte', './**/*.ts', '!./**/*.test.ts'], {
  query: '?raw',
  import: 'default',
  eager: true,
})
const NEVER = ['{@html', 'srcdoc', 'allow-scripts', 'document.write', 'insertAdjacentHTML', 'new Function', 'eval(']

describe('no source', () => {
  it.each(NEVER)('has %s', (word) => {
    const found = Object.entries(sources).filter(([, text]) => text.includes(word))
    expect(found.map(([name]) => name)).toEqual([])
  })

  it('is left out', () => {
    expect(Object.keys(sources)).toContain('./reader/MessageBody.svelte')
    expect(Object.keys(sources)).toContain('./compose/editor.ts')
  })
})
