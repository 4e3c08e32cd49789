// SearchSnippet (RFC 8621 §5) comes as HTML that holds nothing but <mark> and character references.
// It is taken apart into texts, so that nothing a stranger wrote is ever read as HTML here.

export interface Piece {
  readonly text: string
  readonly marked: boolean
}

const REFERENCES: Readonly<Record<string, string>> = {
  '&lt;': '<', '&gt;': '>', '&amp;': '&', '&quot;': '"', '&#39;': "'", '&#34;': '"', '&#x27;': "'", '&apos;': "'",
}

export function pieces(snippet: string): Piece[] {
  const found: Piece[] = []
  let marked = false
  for (const part of snippet.split(/(<\/?mark>)/)) {
    if (part === '<mark>') marked = true
    else if (part === '</mark>') marked = false
    else if (part !== '') found.push({ text: decoded(part), marked })
  }
  return found
}

function decoded(text: string): string {
  return text.replace(/&(?:lt|gt|amp|quot|apos|#39|#34|#x27);/g, (one) => REFERENCES[one] ?? one)
}
