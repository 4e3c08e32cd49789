// @vitest-environment jsdom
import { describe, expect, it } from 'vitest'
import { newDraft, parseHtml, type Draft } from './draft.ts'
import { emailOf, referToParts } from './email.ts'
import { speaksOfAttachment } from './forgotten.ts'
import { htmlToText, quoteText, textToHtml } from './plain.ts'
import { decodeAddress, forwardedFiles, forwardHtml, quotable, replyHtml, type QuotedPart } from './quote.ts'
import { withSignature, withTextSignature } from './signature.ts'

const identity = (id: string, signature: string) => ({
  id,
  name: 'Me',
  email: 'me@example.org',
  textSignature: signature,
  htmlSignature: '',
})
const base64url = (text: string) =>
  btoa(text).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
const part = (partId: string, more: Partial<QuotedPart> = {}): QuotedPart => ({
  partId,
  blobId: `G${partId}`,
  name: `${partId}.png`,
  type: 'image/png',
  size: 10,
  cid: null,
  ...more,
})
const context = (parts: QuotedPart[], showRemote = false) => ({
  parts,
  showRemote,
  newCid: () => 'new@here',
})

describe('quoted HTML', () => {
  it('stays as it was, tables and styles included', () => {
    const page =
      '<html><head><style>.a{color:red}</style></head><body><table width="600" bgcolor="#eee"><tr>' +
      '<td style="padding:4px" class="a">Offer</td></tr></table></body></html>'
    expect(quotable(parseHtml(page), context([])).html).toContain(
      '<table width="600" bgcolor="#eee"><tbody><tr><td style="padding:4px" class="a">Offer',
    )
  })

  it('pictures inside are found again as parts', () => {
    const page = '<p><img src="/m/A1/G9/part/2" width="5"><img src="/m/A1/G9/part/2"></p>'
    const { html, files } = quotable(parseHtml(page), context([part('2', { cid: 'logo@x' })]))
    expect(files).toHaveLength(1)
    expect(files[0]).toMatchObject({ blobId: 'G2', cid: 'logo@x', name: '2.png' })
    const root = parseHtml(html)
    expect(referToParts(root, files)).toEqual(new Set(['part-G2']))
    expect(root.innerHTML).toBe('<p><img src="cid:logo@x" width="5"><img src="cid:logo@x"></p>')
  })

  it('pictures from elsewhere keep their address, and are not fetched unless allowed', () => {
    const address = 'https://example.org/a?b=ü'
    const encoded = base64url(unescape(encodeURIComponent(address)))
    const page = `<img src="/imgproxy/abc/${encoded}">`
    const quiet = parseHtml(quotable(parseHtml(page), context([])).html).querySelector('img')!
    expect(quiet.hasAttribute('src')).toBe(false)
    const shown = parseHtml(quotable(parseHtml(page), context([], true)).html)
    expect(shown.querySelector('img')!.getAttribute('src')).toContain('/imgproxy/')
    referToParts(shown, [])
    expect(shown.querySelector('img')!.outerHTML).toBe('<img src="https://example.org/a?b=ü">')
  })

  it('an address that is none of the web is not taken', () => {
    expect(decodeAddress(base64url('javascript:alert(1)'))).toBeNull()
    expect(decodeAddress('%%%')).toBeNull()
  })

  it('a forwarded letter brings its files, but not those shown inside', () => {
    const parts = [
      part('2', { cid: 'logo@x' }),
      part('3', { name: 'plan.pdf', type: 'application/pdf' }),
    ]
    const { files } = quotable(parseHtml('<img src="/m/A/G/part/2">'), context(parts))
    expect(forwardedFiles(parts, files).map((one) => one.name)).toEqual(['plan.pdf'])
  })
})

describe('text', () => {
  it.each([
    ['<div>a</div><div>b<br></div><div><br></div><div>c</div>', 'a\nb\n\nc'],
    ['<p>one</p><p>two</p>', 'one\n\ntwo'],
    ['a  b\n c<br>d', 'a b c\nd'],
    ['<ul><li>x</li><li>y</li></ul>', '* x\n* y'],
    ['<ol><li>x</li><li>y</li></ol>', '1. x\n2. y'],
    [
      '<div>I say</div><blockquote>you<blockquote>they</blockquote></blockquote>',
      'I say\n> you\n>> they',
    ],
    ['<a href="https://example.org/">here</a>', 'here <https://example.org/>'],
    ['<a href="https://example.org/">https://example.org/</a>', 'https://example.org/'],
    ['<pre>a\n  b</pre>', 'a\n  b'],
    ['<style>x{}</style><b>bold</b> <i>it</i>', 'bold it'],
    ['<table><tr><td>1</td><td>2</td></tr><tr><td>3</td></tr></table>', '1 2\n3'],
  ])('of %s', (html, text) => {
    expect(htmlToText(parseHtml(html))).toBe(text)
  })

  it('survives deep nesting', () => {
    const deep = document.createElement('div')
    let inner = deep
    for (let i = 0; i < 5000; i++) inner = inner.appendChild(document.createElement('div'))
    expect(htmlToText(deep)).toBe('')
  }, 30_000) // jsdom builds such a tree slowly where others work, too

  it('becomes blocks and back again', () => {
    const text = 'a < b & "c"\n\n  two  spaces'
    expect(htmlToText(parseHtml(textToHtml(text)))).toBe('a < b & "c"\n\n  two  spaces')
  })

  it('is quoted line by line', () => {
    expect(quoteText('a\n\n> b\r\nc\n\n')).toBe('> a\n>\n>> b\n> c')
  })
})

describe('signature', () => {
  const quoted = replyHtml('On Monday Bob wrote:', '<p>hello</p>')
  it('stands above the quote and is replaced with the identity', () => {
    const first = withSignature(quoted, identity('1', 'Alice'))
    expect(htmlToText(parseHtml(first))).toBe('--\nAlice\nOn Monday Bob wrote:\n> hello')
    const second = withSignature(first, identity('2', 'Alice of the shop'))
    expect(htmlToText(parseHtml(second))).toContain('Alice of the shop\nOn Monday')
    expect(second.match(/-- /g)).toHaveLength(1)
    expect(htmlToText(parseHtml(withSignature(second, null)))).toBe('On Monday Bob wrote:\n> hello')
  })

  it('stands above what is passed on', () => {
    const passedOn = forwardHtml('Forwarded message', [['From:', 'Bob']], '<p>hello</p>')
    const text = htmlToText(parseHtml(withSignature(passedOn, identity('1', 'Alice'))))
    expect(text).toMatch(/^--\nAlice\n-+ Forwarded message -+\nFrom: Bob\n\nhello$/)
  })

  it('in plain text as well', () => {
    const first = withTextSignature('Hi\n\nBob wrote:\n> hello', null, identity('1', 'Alice'))
    expect(first).toBe('Hi\n\n\n-- \nAlice\n\nBob wrote:\n> hello')
    expect(withTextSignature(first, identity('1', 'Alice'), identity('2', '$& B'))).toContain(
      '$& B',
    )
  })
})

describe('the letter that the server gets', () => {
  const draft: Draft = {
    ...newDraft('A1', 'example.org', 0),
    to: [{ name: null, email: 'bob@example.org' }],
    subject: 'Hello',
    html: '<div>see <img src="blob:1" data-cid="pic@x"></div>',
    files: [
      { key: 'a', blobId: 'G1', name: 'pic.png', type: 'image/png', size: 3, cid: 'pic@x' },
      { key: 'b', blobId: 'G2', name: 'gone.png', type: 'image/png', size: 3, cid: 'gone@x' },
      { key: 'c', blobId: 'G3', name: 'a.pdf', type: 'application/pdf', size: 3, cid: null },
      { key: 'd', blobId: null, name: 'late.pdf', type: 'application/pdf', size: 3, cid: null },
    ],
  }
  const options = { mailboxId: 'F3', from: { name: 'Me', email: 'me@example.org' }, isDraft: true }

  it('has text, HTML and the files that are up and still shown', () => {
    const email = emailOf(draft, options)
    expect(email['keywords']).toEqual({ $draft: true, $seen: true })
    expect(email['messageId']).toEqual([draft.messageId])
    expect(email['cc']).toBeNull()
    const values = email['bodyValues'] as Record<string, { value: string }>
    expect(values['text']!.value).toBe('see')
    expect(values['html']!.value).toContain('<img src="cid:pic@x">')
    const attachments = email['attachments'] as { blobId: string; disposition: string }[]
    expect(attachments.map((one) => [one.blobId, one.disposition])).toEqual([
      ['G1', 'inline'],
      ['G3', 'attachment'],
    ])
  })

  it('is text alone in plain mode', () => {
    const email = emailOf({ ...draft, plain: true, text: 'only text' }, options)
    expect(email['htmlBody']).toBeUndefined()
    expect(email['bodyValues']).toEqual({ text: { value: 'only text' } })
  })
})

it.each([
  ['See the attached file', true],
  ['Im Anhang ist der Plan', true],
  ['Anbei die Rechnung', true],
  ['Te adjunto el plan', true],
  ['请查看附件', true],
  ['Thanks!\n> see the attached file', false],
  ['Thanks!\n-- \nAttachments are welcome', false],
  ['No detachment here', false],
])('whether %j speaks of a file', (text, expected) => {
  expect(speaksOfAttachment('', text)).toBe(expected)
})
