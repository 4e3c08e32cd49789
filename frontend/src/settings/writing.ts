// Writes of the settings: one object at a time, a refusal as an Error with the server's sentence.

import { app } from '../app.ts'
import { refusal } from '../i18n/refusal.ts'
import type { SetAnswer, SetError } from '../jmap/methods.ts'

function fail(refused: SetError | undefined): void {
  if (refused) throw new Error(refusal(refused))
}

export async function update(
  type: string,
  id: string,
  patch: Record<string, unknown>,
): Promise<unknown> {
  const told = await app.client.call<SetAnswer>(`${type}/set`, { update: { [id]: patch } })
  fail(told.notUpdated?.[id])
  return told.updated?.[id] ?? null
}

export async function create(type: string, record: Record<string, unknown>): Promise<string> {
  const told = await app.client.call<SetAnswer>(`${type}/set`, { create: { new: record } })
  fail(told.notCreated?.['new'])
  return told.created?.['new']?.id ?? ''
}

export async function destroy(
  type: string,
  id: string,
  more: Record<string, unknown> = {},
): Promise<void> {
  const told = await app.client.call<SetAnswer>(`${type}/set`, { destroy: [id], ...more })
  fail(told.notDestroyed?.[id])
}

/** The one object of a type that has one. */
export async function singleton<T>(type: string): Promise<T> {
  const told = await app.client.call<{ list: T[] }>(`${type}/get`, { ids: ['singleton'] })
  const one = told.list[0]
  if (!one) throw new Error(app.t('settings.notHere'))
  return one
}
