// HTML from elsewhere, made harmless: what is pasted, quoted, or kept of a draft.

import DOMPurify, { type Config } from 'dompurify'
import { parseHtmlWith } from './draft.ts'
import { openWorkshop } from './workshop.ts'

// Letters have neither forms nor drawings nor things that play.
const FORBIDDEN = [
  'form', 'input', 'button', 'select', 'option', 'textarea', 'svg', 'math', 'audio', 'video',
  'source', 'track', 'canvas', 'dialog', 'iframe', 'object', 'embed', 'picture', 'template', 'slot',
] // prettier-ignore
const SETTINGS: Config = {
  FORBID_TAGS: FORBIDDEN,
  FORBID_ATTR: [
    'id',
    'name',
    'srcset',
    'ping',
    'contenteditable',
    'autofocus',
    'tabindex',
    'popover',
  ],
  ALLOW_ARIA_ATTR: false,
  ADD_DATA_URI_TAGS: ['img'],
  // As DOMPurify's own, with the pictures that the editor shows before they are sent.
  ALLOWED_URI_REGEXP:
    /^(?:(?:https?|mailto|tel|sms|cid|blob|xmpp):|[^a-z]|[a-z+.-]+(?:[^a-z+.\-:]|$))/i,
}
const SHOWN =
  /^(?:blob:|data:image\/(?:png|jpe?g|gif|webp|avif|bmp)[;,]|cid:|\/m\/|\/imgproxy\/|\/jmap\/download\/)/i

let purifier = purifierOf(window)
let page = document

/** Read letters in the workshop's page from now on. */
export async function useWorkshop(): Promise<void> {
  const found = await openWorkshop()
  if (!found || found.document === page) return
  page = found.document
  purifier = purifierOf(found)
}

function purifierOf(of: Window): ReturnType<typeof DOMPurify> {
  const made = DOMPurify(of as Window & typeof globalThis)
  made.addHook('afterSanitizeAttributes', tidy)
  return made
}

function tidy(node: Element): void {
  if (node.nodeName === 'A') {
    node.setAttribute('target', '_blank')
    node.setAttribute('rel', 'noopener noreferrer')
  }
  if (node.nodeName !== 'IMG') return
  const source = node.getAttribute('src')
  if (source === null || SHOWN.test(source)) return
  // A picture from elsewhere stays in the letter, but nobody fetches it while it is written.
  if (/^https?:/i.test(source) && !sameOrigin(source)) node.setAttribute('data-remote', source)
  node.removeAttribute('src')
  if (sameOrigin(source))
    node.setAttribute('src', new URL(source).pathname + new URL(source).search)
}

function sameOrigin(address: string): boolean {
  return (
    address.startsWith(`${location.origin}/`) && SHOWN.test(address.slice(location.origin.length))
  )
}

/** A fragment of this page's document; nothing in it runs or loads before it is shown. */
export function cleanFragment(html: string): DocumentFragment {
  const made = purifier.sanitize(html, {
    ...SETTINGS,
    FORBID_TAGS: [...FORBIDDEN, 'style'],
    RETURN_DOM_FRAGMENT: true,
  })
  return made
}

/** A whole page, its style sheets still in it. */
export function cleanWhole(html: string): HTMLElement {
  return purifier.sanitize(html, {
    ...SETTINGS,
    WHOLE_DOCUMENT: true,
    RETURN_DOM: true,
  }) as HTMLElement
}

/** The body of a document that nobody sees. */
export function hiddenBody(): HTMLElement {
  return page.implementation.createHTMLDocument('').body
}

parseHtmlWith((html) => {
  const root = hiddenBody()
  root.append(cleanFragment(html))
  return root
})
