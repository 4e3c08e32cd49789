declare module 'squire-rte/dist/squire-raw.mjs' {
  import type { Squire, SquireConfig } from 'squire-rte/dist/types/Editor.d.ts'
  /** Made by scripts/realm_squire.ts: the editor for elements of that window. */
  export default function makeSquire(
    window: Window,
  ): new (root: HTMLElement, config?: Partial<SquireConfig>) => Squire
}
