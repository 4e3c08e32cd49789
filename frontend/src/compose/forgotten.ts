// A letter that speaks of an attachment and has none.

// Words of the four languages that the pages speak; a person may well write in another than the page's.
const WORDS = [
  /\battach(?:ed|ment|ments|ing)\b/i,
  /\benclosed\b/i,
  /\b(?:im|als|den|die|der) anhang\b/i,
  /\b(?:angehängt|anbei|beigefügt|beiliegend)/i,
  /\badjunt(?:o|a|os|as|amos|ado|ada|é)\b/i,
  /(?:附件|附上|随信附)/,
]

/** Whether what the person wrote (without quotes) makes one expect a file. */
export function speaksOfAttachment(subject: string, ownText: string): boolean {
  const text = `${subject}\n${withoutQuotes(ownText)}`
  return WORDS.some((word) => word.test(text))
}

/** Lines that are the person's own: not quoted, nor below a signature's mark. */
export function withoutQuotes(text: string): string {
  const own: string[] = []
  for (const line of text.split('\n')) {
    if (line.trimEnd() === '--') break
    if (!line.startsWith('>')) own.push(line)
  }
  return own.join('\n')
}
