// A quoted letter cannot bring its style sheet along; its rules go to the elements themselves.

const MOST_RULES = 2000 // a newsletter has some hundred
const MOST_HITS = 20_000 // elements that rules touch, in all

interface Rule {
  selector: string
  style: CSSStyleDeclaration
  weight: number
  order: number
}

export function cssToAttributes(root: HTMLElement, css: string): void {
  if (css.trim() === '') return
  const rules = rulesOf(css)
  rules.sort((a, b) => b.weight - a.weight || b.order - a.order)
  let hits = 0
  for (const rule of rules) {
    for (const element of matches(root, rule.selector)) {
      if (++hits > MOST_HITS) return
      add(element, rule.style)
    }
  }
}

function rulesOf(css: string): Rule[] {
  let sheet: CSSStyleSheet
  try {
    sheet = new CSSStyleSheet()
    sheet.replaceSync(css)
  } catch {
    return [] // the letter is plainer without
  }
  const found: Rule[] = []
  for (const rule of [...sheet.cssRules].slice(0, MOST_RULES)) {
    // Rules for certain screens and for states of the pointer have no place in an attribute.
    if (
      !(rule instanceof CSSStyleRule) ||
      /:(?!first-child|last-child|nth-)/.test(rule.selectorText)
    )
      continue
    for (const selector of rule.selectorText.split(',')) {
      found.push({
        selector: selector.trim(),
        style: rule.style,
        weight: weigh(selector),
        order: found.length,
      })
    }
  }
  return found
}

function matches(root: HTMLElement, selector: string): HTMLElement[] {
  try {
    const inside = [...root.querySelectorAll<HTMLElement>(selector)]
    return root.matches(selector) ? [root, ...inside] : inside
  } catch {
    return [] // commas within brackets, or what this browser does not know
  }
}

/** What stands in the attribute already comes from a stronger rule. */
function add(element: HTMLElement, style: CSSStyleDeclaration): void {
  for (const name of style) {
    const strong = style.getPropertyPriority(name) === 'important'
    const has = element.style.getPropertyValue(name) !== ''
    const hasStrong = element.style.getPropertyPriority(name) === 'important'
    if (!has || (strong && !hasStrong)) {
      element.style.setProperty(name, style.getPropertyValue(name), style.getPropertyPriority(name))
    }
  }
}

/** Near enough to a selector's specificity: ids, then classes, then names. */
function weigh(selector: string): number {
  const ids = selector.match(/#[\w-]+/g)?.length ?? 0
  const classes = selector.match(/\.[\w-]+|\[[^\]]*\]|:[\w-]+/g)?.length ?? 0
  const names = selector.match(/(?:^|[\s>+~])[a-z][\w-]*/gi)?.length ?? 0
  return ids * 10_000 + classes * 100 + names
}
