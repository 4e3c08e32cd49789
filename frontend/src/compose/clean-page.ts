// Another's whole page, harmless and without its style sheet, so that it can stand in a letter.

import { cleanWhole, hiddenBody } from './clean.ts'
import { cssToAttributes } from './inline-css.ts'

/** A whole page as one element, its style sheet turned into attributes. */
export function cleanPage(html: string): HTMLElement {
  const whole = cleanWhole(html)
  const sheets = [...whole.querySelectorAll('style')].map((one) => one.textContent ?? '')
  const body = whole.querySelector('body') ?? whole
  for (const style of whole.querySelectorAll('style')) style.remove()
  cssToAttributes(body, sheets.join('\n'))
  const root = hiddenBody()
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
