// What a person chooses about mail of another provider, from the first look to the server's words.

import type { Mailbox } from '../../data/types.ts'
import type { ChoiceWish, LookFolder, Server } from './remotes.ts'

const OUT = 'out'
const TO = '='

export class Choices {
  often = $state<'once' | 'keep'>('once')
  everyMinutes = $state(15)
  atOnce = $state(true)
  twoWay = $state(false)
  source = $state<'leave' | 'days' | 'delete'>('leave')
  days = $state(14)
  skipSpam = $state(true)
  label = $state('')
  keyword = $state('')
  into = $state('')
  sendsAs = $state(false)
  /** By a folder's path there: "" as it would be, `OUT`, or `TO` with a path here. */
  picks = $state<Record<string, string>>({})

  /** Whether it, or a folder around it, is left out. */
  isOut(path: string): boolean {
    return above(path).some((one) => this.picks[one] === OUT)
  }

  /** The mailbox that it becomes: what is below a folder goes where that goes. */
  placeOf(folder: LookFolder): string {
    for (const one of above(folder.path)) {
      const pick = this.picks[one] ?? ''
      if (pick.startsWith(TO)) return pick.slice(TO.length) + folder.path.slice(one.length)
    }
    return folder.here ?? folder.path
  }

  /** As the server takes it. */
  wish(kind: 'imap' | 'pop3', sendAs: (Server & { address: string }) | null): ChoiceWish {
    const isImap = kind === 'imap'
    const keeps = this.often === 'keep'
    const picked = Object.entries(this.picks)
    return {
      label: this.label.trim(),
      once: !keeps,
      everyMinutes: this.everyMinutes,
      atOnce: isImap && keeps && this.atOnce,
      twoWay: isImap && keeps && this.twoWay,
      atSource: !isImap && this.source !== 'leave' ? 'delete' : 'leave',
      afterDays: !isImap && this.source === 'days' ? this.days : 0,
      leaveOut: isImap ? picked.filter(([, pick]) => pick === OUT).map(([path]) => path) : [],
      mapped: isImap
        ? Object.fromEntries(
            picked
              .filter(([, pick]) => pick.startsWith(TO))
              .map(([path, pick]) => [path, pick.slice(TO.length)]),
          )
        : {},
      into: isImap ? '' : this.into,
      skipSpam: this.skipSpam,
      keyword: this.keyword.trim(),
      sendAs: this.sendsAs ? sendAs : null,
    }
  }
}

/** What a folder can become, as values of `picks` and texts. */
export function picksFor(mailboxes: readonly Mailbox[], asIs: string, out: string) {
  const here = pathsOf(mailboxes).map((path) => [TO + path, path] as const)
  return [['', asIs] as const, ...here, [OUT, out] as const]
}

/** Mailboxes by their paths, as IMAP programs see them. */
export function pathsOf(mailboxes: readonly Mailbox[]): string[] {
  const known = new Map(mailboxes.map((one) => [one.id, one]))
  const pathOf = (one: Mailbox): string => {
    if (one.role === 'inbox') return 'INBOX'
    const parent = one.parentId ? known.get(one.parentId) : undefined
    return parent ? `${pathOf(parent)}/${one.name}` : one.name
  }
  return mailboxes.map(pathOf)
}

/** A path and those of the folders around it, the innermost first. */
function above(path: string): string[] {
  const levels = path.split('/')
  return levels.map((_, index) => levels.slice(0, levels.length - index).join('/'))
}
