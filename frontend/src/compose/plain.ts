// Text and HTML of one letter: each made from the other.

const BLOCKS = new Set([
  'ADDRESS',
  'ARTICLE',
  'ASIDE',
  'BLOCKQUOTE',
  'CENTER',
  'DD',
  'DIV',
  'DL',
  'DT',
  'FIGURE',
  'FOOTER',
  'H1',
  'H2',
  'H3',
  'H4',
  'H5',
  'H6',
  'HEADER',
  'HR',
  'LI',
  'MAIN',
  'OL',
  'P',
  'PRE',
  'SECTION',
  'TABLE',
  'TR',
  'UL',
])
const UNSEEN = new Set(['STYLE', 'SCRIPT', 'TITLE', 'HEAD', 'TEMPLATE', 'META', 'LINK'])
const SPACED = new Set(['P', 'H1', 'H2', 'H3', 'H4', 'H5', 'H6', 'UL', 'OL', 'TABLE', 'BLOCKQUOTE'])
const DEEPEST = 400 // levels; what a browser's own parser allows is not much more

interface Writing {
  lines: string[]
  current: string
  prefix: string
  pre: boolean
}

/** What a person reads in that part of a document, quotes marked by `>`. */
export function htmlToText(root: Node): string {
  const writing: Writing = { lines: [], current: '', prefix: '', pre: false }
  writeChildren(root, writing, 0)
  endLine(writing)
  return tidyLines(writing.lines).join('\n')
}

function writeChildren(node: Node, writing: Writing, depth: number): void {
  if (depth > DEEPEST) return
  for (let child = node.firstChild; child; child = child.nextSibling) {
    if (child.nodeType === 3) writeText(child.nodeValue ?? '', writing)
    else if (child.nodeType === 1) writeElement(child as Element, writing, depth + 1)
  }
}

function writeText(text: string, writing: Writing): void {
  if (writing.pre) {
    const [first, ...rest] = text.split('\n')
    writing.current += first
    for (const line of rest) {
      writing.lines.push(writing.prefix + writing.current)
      writing.current = line
    }
    return
  }
  const flat = text.replace(/[ \t\r\n\f\u200b]+/g, ' ')
  writing.current += writing.current === '' ? flat.replace(/^ /, '') : flat
}

function writeElement(element: Element, writing: Writing, depth: number): void {
  const name = element.tagName.toUpperCase()
  if (UNSEEN.has(name)) return
  if (name === 'BR') {
    writing.lines.push(writing.prefix + writing.current)
    writing.current = ''
    return
  }
  if (name === 'IMG') {
    const alt = element.getAttribute('alt')
    if (alt) writeText(alt, writing)
    return
  }
  if (!BLOCKS.has(name)) return writeInline(element, name, writing, depth)
  endLine(writing)
  const before = { prefix: writing.prefix, pre: writing.pre }
  if (name === 'BLOCKQUOTE') writing.prefix = quotePrefix(writing.prefix)
  if (name === 'PRE') writing.pre = true
  if (name === 'HR') writing.lines.push(`${writing.prefix}----------`)
  if (name === 'LI') writing.current = bullet(element)
  writeChildren(element, writing, depth)
  endLine(writing)
  writing.prefix = before.prefix
  writing.pre = before.pre
  if (SPACED.has(name)) writing.lines.push(before.prefix.trimEnd())
}

function writeInline(element: Element, name: string, writing: Writing, depth: number): void {
  writeChildren(element, writing, depth)
  if (name === 'TD' || name === 'TH') writing.current += ' '
  if (name !== 'A') return
  const href = element.getAttribute('href') ?? ''
  const shown = element.textContent?.trim() ?? ''
  if (/^https?:/i.test(href) && shown !== href && shown !== '') writing.current += ` <${href}>`
}

function bullet(item: Element): string {
  const list = item.parentElement
  if (list?.tagName.toUpperCase() !== 'OL') return '* '
  return `${[...list.children].indexOf(item) + 1}. `
}

function quotePrefix(before: string): string {
  return before === '' ? '> ' : `>${before}`
}

function endLine(writing: Writing): void {
  const text = writing.pre ? writing.current : writing.current.replace(/ +$/, '')
  if (text === '') return
  writing.lines.push(writing.prefix + text)
  writing.current = ''
}

/** No more than one empty line between others, none at the ends. */
function tidyLines(lines: string[]): string[] {
  const tidy: string[] = []
  for (const line of lines.map((one) => one.replaceAll('\u00a0', ' ').trimEnd())) {
    const isEmpty = /^[> ]*$/.test(line)
    if (isEmpty && (tidy.length === 0 || /^[> ]*$/.test(tidy[tidy.length - 1]!))) continue
    tidy.push(line)
  }
  while (tidy.length > 0 && /^[> ]*$/.test(tidy[tidy.length - 1]!)) tidy.pop()
  return tidy
}

export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
}

/** Lines as blocks, as the editor makes them. */
export function textToHtml(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .split('\n')
    .map((line) => `<div>${line === '' ? '<br>' : spaced(escapeHtml(line))}</div>`)
    .join('')
}

/** Runs of spaces stay as wide as they were typed. */
function spaced(line: string): string {
  return line.replace(/^ | (?= )/g, '&nbsp;')
}

/** Each line marked as another's words. */
export function quoteText(text: string): string {
  return text
    .replaceAll('\r\n', '\n')
    .trimEnd()
    .split('\n')
    .map((line) => (line.startsWith('>') ? `>${line}` : line === '' ? '>' : `> ${line}`))
    .join('\n')
}
