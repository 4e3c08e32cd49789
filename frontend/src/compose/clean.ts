// HTML from elsewhere, made harmless: what is pasted, quoted, or kept of a draft.

import DOMPurify, { type Config } from 'dompurify'
import { parseHtmlWith } from './draft.ts'
import { cssToAttributes } from './inline-css.ts'

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

const purifier = DOMPurify(window)
purifier.addHook('afterSanitizeAttributes', (node) => {
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
})

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

/** A whole page as one element, its style sheet turned into attributes. */
export function cleanPage(html: string): HTMLElement {
  const page = purifier.sanitize(html, {
    ...SETTINGS,
    WHOLE_DOCUMENT: true,
    RETURN_DOM: true,
  }) as HTMLElement
  const sheets = [...page.querySelectorAll('style')].map((one) => one.textContent ?? '')
  const body = page.querySelector('body') ?? page
  for (const style of page.querySelectorAll('style')) style.remove()
  cssToAttributes(body as HTMLElement, sheets.join('\n'))
  const root = document.implementation.createHTMLDocument('').body
  const outer = root.ownerDocument.createElement('div')
  for (const name of ['style', 'bgcolor', 'dir']) {
    const value = body.getAttribute(name)
    if (value) outer.setAttribute(name, value)
  }
  outer.append(...[...body.childNodes].map((node) => root.ownerDocument.importNode(node, true)))
  if (outer.attributes.length > 0) root.append(outer)
  else root.append(...outer.childNodes)
  return root
}

parseHtmlWith(cleanFragment)
