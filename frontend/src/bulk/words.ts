// An operation in the language of the page.

import { app } from '../app.ts'
import type { BulkOperation } from '../data/types.ts'
import { mailboxName } from '../shell/places.ts'
import { countOf, tenseOf, wordsOf } from './operations.ts'

/** "Moving 52,318 to Trash", "52,318 moved to Trash", "Stopped at 18,000 of 52,318". */
export function sentence(one: BulkOperation): string {
  const tense = tenseOf(one)
  if (tense === 'stopped') return app.t('reader.bulk.stopped', { n: one.done, total: one.total })
  if (tense === 'failed') return app.t('reader.bulk.failed', { n: one.done, total: one.total })
  const words = wordsOf(one)
  const mailbox = words.mailbox === null ? undefined : app.mail.mailbox(words.mailbox)
  const folder = mailbox ? mailboxName(mailbox) : app.t('reader.bulk.aFolder')
  const label = app.mail.labels.find((label) => label.keyword === words.keyword)?.name ?? words.keyword ?? ''
  return app.t(`reader.bulk.${words.stem}.${tense}`, { n: countOf(one), folder, label })
}

export function duration(seconds: number): string {
  if (seconds < 60) return app.t('reader.bulk.seconds', { n: Math.max(1, Math.round(seconds)) })
  return app.t('reader.bulk.minutes', { n: Math.round(seconds / 60) })
}
