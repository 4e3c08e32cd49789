// The editor in its own page: Squire works on an element of the frame's document.

import type { Squire } from 'squire-rte/dist/types/Editor.d.ts'
import makeSquire from 'squire-rte/dist/squire-raw.mjs'
import { cleanFragment } from './clean.ts'

export interface EditorEvents {
  changed(): void
  /** Which formats stand at the cursor, as a path of tags. */
  path(path: string): void
  files(files: File[]): void
  key(event: KeyboardEvent): void
  focused(): void
}

export interface Look {
  dark: boolean
  text: string
  background: string
  accent: string
  muted: string
  border: string
  size: number
}

const HEARD = /^(?:Escape|Enter|k|K|\\|\.|F6)$/

export class Editor {
  private readonly squire: Squire
  private readonly document: Document
  private readonly style: HTMLStyleElement
  private told = ''

  constructor(frame: HTMLIFrameElement, label: string, look: Look, events: EditorEvents) {
    const window = frame.contentWindow as Window & typeof globalThis
    this.document = window.document
    this.document.documentElement.lang = document.documentElement.lang
    this.document.title = label
    this.style = this.document.createElement('style')
    this.document.head.append(this.style)
    this.look(look)
    const root = this.document.createElement('div')
    this.document.body.replaceChildren(root)
    const attributes = {
      role: 'textbox',
      'aria-multiline': 'true',
      'aria-label': label,
      class: 'letter',
    }
    for (const [name, value] of Object.entries(attributes)) root.setAttribute(name, value)
    root.setAttribute('spellcheck', 'true')
    const Made = makeSquire(window)
    this.squire = new Made(root, {
      sanitizeToDOMFragment: (html: string) =>
        this.document.importNode(cleanFragment(html), true) as DocumentFragment,
      didError: (error: unknown) => reportError(error),
      undo: { documentSizeThreshold: 300_000, undoLimit: 60 },
    })
    this.listen(root, events)
  }

  private listen(root: HTMLElement, events: EditorEvents): void {
    this.squire.addEventListener('input', () => {
      // Squire tells of what it did itself, too, and of that sooner or later.
      const now = this.squire.getHTML()
      if (now === this.told) return
      this.told = now
      events.changed()
    })
    this.squire.addEventListener('pathChange', () => events.path(this.squire.getPath()))
    this.squire.addEventListener('pasteImage', (event: unknown) => {
      const { clipboardData } = (event as CustomEvent<{ clipboardData: DataTransfer }>).detail
      events.files([...clipboardData.files])
    })
    root.addEventListener('focus', () => events.focused())
    this.document.addEventListener('keydown', (event) => {
      if (HEARD.test(event.key)) events.key(event)
    })
    this.document.addEventListener('dragover', (event) => event.preventDefault())
    this.document.addEventListener('drop', (event) => {
      const files = [...(event.dataTransfer?.files ?? [])]
      if (files.length === 0) return
      event.preventDefault()
      events.files(files)
    })
    // Somebody who clicks below the last line wants to write there.
    this.document.documentElement.addEventListener('mousedown', (event) => {
      if (event.target !== this.document.documentElement && event.target !== this.document.body)
        return
      event.preventDefault()
      this.squire.focus().moveCursorToEnd()
    })
  }

  get html(): string {
    return this.squire.getHTML()
  }

  /** The letter as it is; the cursor goes to its beginning. */
  set html(html: string) {
    this.squire.setHTML(html)
    this.squire.moveCursorToStart()
    this.told = this.squire.getHTML()
  }

  focus(): void {
    this.squire.focus()
  }

  insertPicture(source: string, cid: string, alt: string): void {
    this.squire.insertImage(source, { 'data-cid': cid, alt })
  }

  insertText(text: string): void {
    this.squire.insertPlainText(text, false)
  }

  get selectedText(): string {
    return this.squire.getSelectedText()
  }

  get linkAtCursor(): string {
    const range = this.squire.getSelection()
    let node: Node | null = range.commonAncestorContainer
    for (; node; node = node.parentNode) {
      if (node.nodeName === 'A') return (node as HTMLAnchorElement).getAttribute('href') ?? ''
    }
    return ''
  }

  setLink(address: string): void {
    if (address === '') this.squire.removeLink()
    else this.squire.makeLink(address, { target: '_blank', rel: 'noopener noreferrer' })
    this.squire.focus()
  }

  do(command: Command): void {
    const squire = this.squire
    const path = squire.getPath()
    const run: Record<Command, () => unknown> = {
      bold: () => (squire.hasFormat('B') ? squire.removeBold() : squire.bold()),
      italic: () => (squire.hasFormat('I') ? squire.removeItalic() : squire.italic()),
      underline: () => (squire.hasFormat('U') ? squire.removeUnderline() : squire.underline()),
      strike: () => (squire.hasFormat('S') ? squire.removeStrikethrough() : squire.strikethrough()),
      bullets: () => (/\bUL\b/.test(path) ? squire.removeList() : squire.makeUnorderedList()),
      numbers: () => (/\bOL\b/.test(path) ? squire.removeList() : squire.makeOrderedList()),
      quote: () => squire.increaseQuoteLevel(),
      unquote: () => squire.decreaseQuoteLevel(),
      code: () => squire.toggleCode(),
      large: () => squire.setFontSize('1.4em'),
      normal: () => squire.setFontSize(null),
      clear: () => squire.removeAllFormatting(),
      undo: () => squire.undo(),
      redo: () => squire.redo(),
    }
    run[command]()
    squire.focus()
  }

  look(look: Look): void {
    this.style.textContent = styleOf(look)
  }

  destroy(): void {
    this.squire.destroy()
  }
}

export type Command =
  | 'bold'
  | 'italic'
  | 'underline'
  | 'strike'
  | 'bullets'
  | 'numbers'
  | 'quote'
  | 'unquote'
  | 'code'
  | 'large'
  | 'normal'
  | 'clear'
  | 'undo'
  | 'redo'

/** What another wrote in colours of their own was meant for white paper. */
const PAPER =
  ':is(blockquote[type=cite], [data-forwarded] > :last-child)' +
  ':has([bgcolor], [color], [style*=color], [style*=background])'

function styleOf(look: Look): string {
  const paper = `
.letter ${PAPER} { color-scheme: light; background: #fff; color: #1a1d21; padding: 8px 12px }
.letter ${PAPER} blockquote { color: inherit }
.letter ${PAPER} a { color: #0b5cc8 }`
  return `
:root { color-scheme: ${look.dark ? 'dark' : 'light'}; background: ${look.background}; height: 100%; cursor: text }
body { margin: 0; color: ${look.text};
  font: ${look.size}px/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif }
.letter { outline: none; padding: 12px 16px 24px; min-height: 120px; overflow-wrap: anywhere }
.letter a { color: ${look.accent} }
.letter blockquote { margin: 4px 0 4px 2px; padding-left: 12px; border-left: 2px solid ${look.border}; color: ${look.muted} }
.letter pre, .letter code { font-family: ui-monospace, Menlo, Consolas, monospace; font-size: .92em }
.letter pre { padding: 8px; border: 1px solid ${look.border}; border-radius: 6px; white-space: pre-wrap }
.letter ul, .letter ol { padding-left: 28px; margin: 4px 0 }
.letter img { max-width: 100% }
.letter img:not([src]) { display: inline-block; min-width: 24px; min-height: 24px; border: 1px dashed ${look.border} }
${look.dark ? paper : ''}
`
}
