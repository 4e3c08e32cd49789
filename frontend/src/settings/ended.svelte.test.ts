import { flushSync } from 'svelte'
import { expect, it, vi } from 'vitest'
import { type App, setApp } from '../app.ts'
import type { BulkOperation } from '../data/types.ts'
import { afterOperations } from './ended.svelte.ts'

const operation = (id: string, status: string) => ({ id, status }) as unknown as BulkOperation

it('a page looks again when an operation has ended, and at none of its steps', () => {
  let operations = $state.raw<BulkOperation[]>([operation('old', 'done')])
  setApp({ act: { get operations() { return operations } } } as unknown as App)
  const load = vi.fn()
  const stop = $effect.root(() => afterOperations(load))
  flushSync()
  const after = (status: string) => {
    operations = [operation('old', 'done'), operation('new', status)]
    flushSync()
    return load.mock.calls.length
  }
  expect(['queued', 'running', 'running', 'done', 'done'].map(after)).toEqual([0, 0, 0, 1, 1])
  expect(['running', 'cancelling', 'cancelled'].map(after)).toEqual([1, 1, 2])
  stop()
})
