// Which key means what. Pure: a key event's name and what came before it give an intention; doing
// it is another file's matter. One-letter keys can be switched off (WCAG 2.2, 2.1.4); what stands
// here with a modifier, and Escape, stays.

export type Intention =
  | 'next' | 'previous' | 'open' | 'list' | 'delete' | 'junk' | 'star' | 'archive' | 'select'
  | 'selectDown' | 'selectUp' | 'selectAll' | 'selectNone' | 'selectRead' | 'selectUnread'
  | 'markRead' | 'markUnread' | 'mute' | 'move' | 'label' | 'reply' | 'replyAll' | 'forward'
  | 'compose' | 'search' | 'undo' | 'help' | 'escape'
  | 'goInbox' | 'goStarred' | 'goDrafts' | 'goSent' | 'goArchive' | 'goTrash' | 'goAll' | 'goSettings' | 'goActivity'
  | 'nextMessage' | 'previousMessage' | 'expandAll'

export interface Shortcut {
  readonly keys: string
  readonly intention: Intention
  readonly group: 'move' | 'act' | 'select' | 'go' | 'app'
}

/** As they are shown; two keys with a blank are pressed one after the other. */
export const SHORTCUTS: readonly Shortcut[] = [
  { keys: 'j', intention: 'next', group: 'move' },
  { keys: 'k', intention: 'previous', group: 'move' },
  { keys: 'o', intention: 'open', group: 'move' },
  { keys: 'Enter', intention: 'open', group: 'move' },
  { keys: 'u', intention: 'list', group: 'move' },
  { keys: 'n', intention: 'nextMessage', group: 'move' },
  { keys: 'p', intention: 'previousMessage', group: 'move' },
  { keys: ';', intention: 'expandAll', group: 'move' },
  { keys: 'c', intention: 'compose', group: 'act' },
  { keys: 'r', intention: 'reply', group: 'act' },
  { keys: 'a', intention: 'replyAll', group: 'act' },
  { keys: 'f', intention: 'forward', group: 'act' },
  { keys: 'e', intention: 'archive', group: 'act' },
  { keys: '#', intention: 'delete', group: 'act' },
  { keys: 'Delete', intention: 'delete', group: 'act' },
  { keys: '!', intention: 'junk', group: 'act' },
  { keys: 's', intention: 'star', group: 'act' },
  { keys: 'm', intention: 'mute', group: 'act' },
  { keys: 'v', intention: 'move', group: 'act' },
  { keys: 'l', intention: 'label', group: 'act' },
  { keys: 'I', intention: 'markRead', group: 'act' },
  { keys: 'U', intention: 'markUnread', group: 'act' },
  { keys: 'z', intention: 'undo', group: 'act' },
  { keys: 'x', intention: 'select', group: 'select' },
  { keys: 'J', intention: 'selectDown', group: 'select' },
  { keys: 'K', intention: 'selectUp', group: 'select' },
  { keys: '* a', intention: 'selectAll', group: 'select' },
  { keys: '* n', intention: 'selectNone', group: 'select' },
  { keys: '* r', intention: 'selectRead', group: 'select' },
  { keys: '* u', intention: 'selectUnread', group: 'select' },
  { keys: 'g i', intention: 'goInbox', group: 'go' },
  { keys: 'g s', intention: 'goStarred', group: 'go' },
  { keys: 'g d', intention: 'goDrafts', group: 'go' },
  { keys: 'g t', intention: 'goSent', group: 'go' },
  { keys: 'g e', intention: 'goArchive', group: 'go' },
  { keys: 'g b', intention: 'goTrash', group: 'go' },
  { keys: 'g a', intention: 'goAll', group: 'go' },
  { keys: 'g o', intention: 'goActivity', group: 'go' },
  { keys: 'g ,', intention: 'goSettings', group: 'go' },
  { keys: '/', intention: 'search', group: 'app' },
  { keys: '?', intention: 'help', group: 'app' },
  { keys: 'Escape', intention: 'escape', group: 'app' },
  { keys: 'Ctrl+z', intention: 'undo', group: 'app' },
]

/** After the first of two keys, the second is waited for so long. */
export const SECOND_KEY_WITHIN = 1500

export interface Press {
  readonly key: string
  readonly ctrlKey: boolean
  readonly metaKey: boolean
  readonly altKey: boolean
  readonly shiftKey: boolean
}

const BY_KEYS = new Map(SHORTCUTS.map((one) => [one.keys, one.intention]))
const FIRST_KEYS = new Set(SHORTCUTS.filter((one) => one.keys.includes(' ')).map((one) => one.keys.split(' ')[0]))

/** Reads presses one after the other. */
export class KeyReader {
  private first: { key: string; at: number } | null = null

  constructor(private readonly now: () => number) {}

  /** `letters`: whether keys without a modifier count; `typing`: whether a field has the focus. */
  read(press: Press, where: { letters: boolean; typing: boolean }): Intention | null {
    const first = this.first
    this.first = null
    if (press.key === 'Escape') return 'escape'
    if (press.ctrlKey || press.metaKey) {
      const undo = press.key.toLowerCase() === 'z' && !press.shiftKey && !press.altKey
      return undo && !where.typing ? 'undo' : null
    }
    if (press.altKey || where.typing || !where.letters) return null
    if (first && this.now() - first.at <= SECOND_KEY_WITHIN) {
      const both = BY_KEYS.get(`${first.key} ${press.key}`)
      if (both) return both
    }
    if (FIRST_KEYS.has(press.key)) {
      this.first = { key: press.key, at: this.now() }
      return null
    }
    return BY_KEYS.get(press.key) ?? null
  }
}
