// What POP3 programs see of the inbox, what they leave, and how they reach this server.

import { app } from '../../app.ts'

export interface View {
  /** What arrived in so many days; null: all. */
  days: number | null
  after: string
  hidesFetched: boolean
}

export interface Way {
  protocol: 'pop3' | 'imap' | 'smtp'
  host: string
  port: number
  security: 'tls' | 'starttls'
}

export interface Fetching extends View {
  deletedGoesTo: 'nowhere' | 'trash'
  ways: Way[]
}

export const AFTER = ['delete', 'trash', 'archive', 'read', 'keep'] as const

/** After these a message is still in the inbox. */
export const STAYS: readonly string[] = ['read', 'keep']

export const fetching = {
  get: () => app.api<Fetching>('GET', '/account/fetching'),
  put: (view: View) => app.api('PUT', '/account/fetching', view),
}
