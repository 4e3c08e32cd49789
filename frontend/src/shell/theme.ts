// Light or dark, as the person or the system wants it.

import type { Preferences } from '../data/types.ts'

const dark = matchMedia('(prefers-color-scheme: dark)')
let wished: Preferences['theme'] = 'system'

export function setTheme(theme: Preferences['theme']): void {
  wished = theme
  const isDark = theme === 'dark' || (theme === 'system' && dark.matches)
  document.documentElement.dataset.theme = isDark ? 'dark' : 'light'
}

/** Follows the system from now on. */
export function followSystem(): void {
  dark.addEventListener('change', () => setTheme(wished))
}
