// What the app never does, above all with what strangers wrote (web.md §4.4).

import { describe, expect, it } from 'vitest'

const sources = import.meta.glob<string>(['./**/*.svelte', './**/*.ts', '!./**/*.test.ts'], {
  query: '?raw',
  import: 'default',
  eager: true,
})
const NEVER: [string, RegExp][] = [
  ['raw HTML', /\{@html|\.(?:inner|outer)HTML\s*=|insertAdjacentHTML|document\.write/],
  ['inline styles, which the policy refuses', /\sstyle="[^{]/],
  ['srcdoc', /srcdoc/],
  ['scripts in a frame', /allow-scripts/],
  ['transitions that need inline styles', /svelte\/(?:transition|animate)/],
  ['addresses of other hosts', /['"`](?:https?:)?\/\/(?!localhost|www\.w3\.org)[a-z]/i],
  ['evaluation', /\beval\(|new Function/],
]

describe('no source', () => {
  it.each(NEVER)('has %s', (_, pattern) => {
    const found = Object.entries(sources).filter(([, text]) =>
      pattern.test(text.replace(/^\s*(\/\/|\*).*$/gm, '')),
    )
    expect(found.map(([name]) => name)).toEqual([])
  })

  it('is left out', () => {
    expect(Object.keys(sources)).toContain('./reader/MessageBody.svelte')
    expect(Object.keys(sources)).toContain('./compose/editor.ts')
  })
})
