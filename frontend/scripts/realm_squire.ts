// Squire speaks of `document` and asks whether nodes are `instanceof Element`: those of the page
// that its code runs in. Ours runs in the app's page, because the editor's own page runs no script.
// So its module becomes a function of the window that it works in.

import type { Plugin } from 'vite'

const FILE = /squire-rte[\\/]dist[\\/]squire-raw\.mjs$/
const EXPORT = /export\s*\{\s*(\w+) as default\s*\};?\s*$/

// Whatever the module takes from its page.
const TAKEN = [
  'document',
  'getComputedStyle',
  'CharacterData',
  'DocumentFragment',
  'Element',
  'Event',
  'HTMLAnchorElement',
  'HTMLDivElement',
  'HTMLElement',
  'HTMLInputElement',
  'HTMLLIElement',
  'HTMLOListElement',
  'InputEvent',
  'KeyboardEvent',
  'MutationObserver',
  'Node',
  'NodeFilter',
  'Range',
  'Text',
]

/** `export default (window) => Squire` in place of `export default Squire`. */
export function realmSquire(): Plugin {
  return {
    name: 'realm-squire',
    transform(code, id) {
      if (!FILE.test(id.split('?')[0]!)) return null
      const found = EXPORT.exec(code)
      if (!found || /^\s*import\b/m.test(code)) {
        throw new Error('squire-rte has another shape than before; look at scripts/realm_squire.ts')
      }
      const body = code.slice(0, found.index)
      return {
        code: `export default function (window) {\nconst { ${TAKEN.join(', ')} } = window;\n${body}\nreturn ${found[1]};\n}\n`,
        map: null,
      }
    },
  }
}
