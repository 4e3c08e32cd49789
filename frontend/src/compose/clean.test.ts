// @vitest-environment jsdom
import { describe, expect, it } from 'vitest'
import { cleanPage } from './clean-page.ts'
import { cleanFragment } from './clean.ts'

const cleaned = (html: string) => {
  const box = document.createElement('div')
  box.append(cleanFragment(html))
  return box.innerHTML
}

describe('what is pasted or quoted', () => {
  it.each([
    ['<script>x()</script>a', 'a'],
    ['<p onclick="x()" id="a" contenteditable="true">b</p>', '<p>b</p>'],
    ['<form action="/x"><input name="a">c</form>', 'c'],
    ['<svg><animate onbegin="x()"/></svg>d', 'd'],
    ['<img src="x" onerror="x()">', '<img>'],
    ['<img src="cid:a@b" data-cid="a@b">', '<img src="cid:a@b" data-cid="a@b">'],
    ['<img src="/account/state">', '<img>'],
    ['<img src="/m/A/G/part/2">', '<img src="/m/A/G/part/2">'],
    ['<a href="javascript:x()">e</a>', '<a target="_blank" rel="noopener noreferrer">e</a>'],
    ['<style>*{display:none}</style>f', 'f'],
    ['<iframe src="/mail/"></iframe>g', 'g'],
  ])('%s', (html, expected) => {
    expect(cleaned(html)).toBe(expected)
  })

  it('pictures from elsewhere are remembered, not fetched', () => {
    expect(cleaned('<img src="https://example.org/a.png">')).toBe(
      '<img data-remote="https://example.org/a.png">',
    )
  })

  it('tables and their styles stay', () => {
    const table =
      '<table width="600" style="border: 1px solid red;"><tbody><tr><td bgcolor="#eee">h</td></tr></tbody></table>'
    expect(cleaned(table)).toBe(table)
  })

  it('a page keeps the colours of its body', () => {
    const root = cleanPage(
      '<html><head><title>t</title></head><body bgcolor="#fafafa"><p>i</p></body></html>',
    )
    expect(root.innerHTML).toBe('<div bgcolor="#fafafa"><p>i</p></div>')
  })
})
