// One file of symbols out of lucide's icons, before the build.

import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { ICONS } from '../src/ui/icons.ts'

const from = (name: string) =>
  fileURLToPath(new URL(`../node_modules/lucide-static/icons/${name}.svg`, import.meta.url))
const to = fileURLToPath(new URL('../src/ui/icons.svg', import.meta.url))

/** Writes src/ui/icons.svg, unless it is as it should be. */
export function writeSprite(): void {
  const symbols = [...ICONS].sort().map((name) => {
    const inner = readFileSync(from(name), 'utf8').replace(/^[^]*?<svg[^>]*>|<\/svg>\s*$/g, '')
    return `<symbol id="${name}" viewBox="0 0 24 24">${inner.replace(/\s+/g, ' ').trim()}</symbol>`
  })
  const sprite = `<svg xmlns="http://www.w3.org/2000/svg">${symbols.join('')}</svg>\n`
  let now = ''
  try {
    now = readFileSync(to, 'utf8')
  } catch {
    // the first time
  }
  if (now !== sprite) writeFileSync(to, sprite)
}
