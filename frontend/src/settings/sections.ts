// The pages of the settings, and which of them this server can fill.

import { app } from '../app.ts'
import type { Key } from '../i18n/t.ts'
import type { IconName } from '../ui/icons.ts'

export interface Section {
  id: string
  icon: IconName
  title: Key
  group: Key
  /** A capability of JMAP without which there is nothing to show. */
  needs?: string
}

export const SECTIONS: readonly Section[] = [
  {
    id: 'account',
    icon: 'circle-user-round',
    title: 'settings.account',
    group: 'settings.groupAccount',
  },
  {
    id: 'security',
    icon: 'shield-check',
    title: 'settings.security',
    group: 'settings.groupAccount',
  },
  {
    id: 'passwords',
    icon: 'key-round',
    title: 'settings.appPasswords',
    group: 'settings.groupAccount',
  },
  { id: 'sessions', icon: 'monitor', title: 'settings.sessions', group: 'settings.groupAccount' },
  { id: 'devices', icon: 'smartphone', title: 'settings.devices', group: 'settings.groupAccount' },
  { id: 'appearance', icon: 'palette', title: 'settings.appearance', group: 'settings.groupMail' },
  {
    id: 'identities',
    icon: 'pencil',
    title: 'settings.identities',
    group: 'settings.groupMail',
    needs: 'urn:ietf:params:jmap:submission',
  },
  {
    id: 'vacation',
    icon: 'palmtree',
    title: 'settings.vacation',
    group: 'settings.groupMail',
    needs: 'urn:ietf:params:jmap:vacationresponse',
  },
  {
    id: 'rules',
    icon: 'sliders-horizontal',
    title: 'settings.rules',
    group: 'settings.groupMail',
    needs: 'urn:pillarbox:jmap:rules',
  },
  { id: 'folders', icon: 'folder', title: 'settings.folders', group: 'settings.groupMail' },
  {
    id: 'scheduled',
    icon: 'clock',
    title: 'settings.scheduled',
    group: 'settings.groupMail',
    needs: 'urn:ietf:params:jmap:submission',
  },
  { id: 'storage', icon: 'hard-drive', title: 'settings.storage', group: 'settings.groupSpace' },
  {
    id: 'restore',
    icon: 'history',
    title: 'settings.restore',
    group: 'settings.groupSpace',
    needs: 'urn:pillarbox:jmap:recovery',
  },
  { id: 'links', icon: 'link', title: 'settings.links', group: 'settings.groupSpace' },
  { id: 'import', icon: 'upload', title: 'settings.import', group: 'settings.groupSpace' },
]

const OTHER_NAMES: Readonly<Record<string, string>> = {
  quota: 'storage',
  cleanup: 'storage',
  signin: 'security',
  'app-passwords': 'passwords',
  signature: 'identities',
}

export function shownSections(): Section[] {
  return SECTIONS.filter((one) => !one.needs || app.client.has(one.needs))
}

/** '' for the list of them (on a phone) or the first. */
export function sectionOf(name: string): string {
  const id = OTHER_NAMES[name] ?? name
  return shownSections().some((one) => one.id === id) ? id : ''
}
