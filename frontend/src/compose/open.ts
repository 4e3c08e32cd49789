// The way in: what the shell calls when somebody wants to write.

import type { ComposeRequest } from '../app.ts'
import { windows } from './windows.svelte.ts'

export function open(request: ComposeRequest): void {
  void windows.open(request)
}
