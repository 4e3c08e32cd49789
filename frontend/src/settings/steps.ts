// The three steps of a first day (web.md §2.4), as the account page and the mail show them.

import { app } from '../app.ts'
import type { AccountState } from './account.ts'

export interface Step {
  section: string
  title: string
  text: string
  done: boolean
}

/** Whether somebody who forgets the password gets back in. */
export function hasWayBack(told: AccountState): boolean {
  return Boolean(told.recovery?.verified || told.recovery?.codesLeft || told.passkeys > 0)
}

export function stepsOf(told: AccountState): Step[] {
  return [
    {
      section: 'security',
      title: app.t('settings.stepRecovery'),
      text: app.t('settings.stepRecoveryText'),
      done: hasWayBack(told),
    },
    {
      section: 'security',
      title: app.t('settings.stepSecond'),
      text: app.t('settings.stepSecondText'),
      done: told.totp || told.passkeys > 0,
    },
    {
      section: 'devices',
      title: app.t('settings.stepDevices'),
      text: app.t('settings.stepDevicesText'),
      done: app.prefs['devicesSeen'] === true,
    },
  ]
}
