import { describe, expect, it } from 'vitest'

import { findings, shieldOf } from './authentication.ts'
import { downloadUrl, honest, isMarkup, nameOf, previewOf } from './files.ts'
import type { Part } from './files.ts'
import { Height, MOST_HEIGHT } from './height.ts'
import { mailto, otherHost, shownAddress } from './links.ts'
import { unsubscribeBy } from './unsubscribe.ts'

describe('links that say one thing and go to another', () => {
  it.each([
    ['https://bank.example', 'https://evil.example/x', 'evil.example'],
    ['bank.example', 'http://evil.example', 'evil.example'],
    ['www.bank.example/login', 'https://bank.example/', null],
    ['bank.example', 'https://login.bank.example/', null],
    ['bank.example', 'https://bank.example.evil.example/', 'bank.example.evil.example'],
    ['Click here', 'https://evil.example/', null],
    ['3.14', 'https://evil.example/', null],
    ['bank.example', 'mailto:a@b.example', null],
    ['bank.example', 'not a link', null],
    ['p\u0430ypal.example', 'https://xn--pypal-4ve.example/', 'xn--pypal-4ve.example'],
    ['m\u00fcller.example', 'https://xn--mller-kva.example/', null],
  ])('%s → %s', (text, href, host) => {
    expect(otherHost(text, href)).toBe(host)
  })
})

describe('addresses', () => {
  it.each([
    ['bob@p\u0430ypal.example', 'bob@p\u0430ypal.example (xn--pypal-4ve.example)'],
    ['b\u0430b@bank.example', 'b\u0430b@bank.example'],
    ['bob@m\u00fcller.example', 'bob@m\u00fcller.example'],
  ])('%s', (address, shown) => {
    expect(shownAddress(address)).toBe(shown)
  })
})

describe('mailto', () => {
  it.each([
    ['mailto:a@example.org', { to: 'a@example.org', cc: '', subject: '', body: '' }],
    ['MAILTO:a@example.org?subject=Two%20words&body=x%0D%0Ay', { to: 'a@example.org', cc: '', subject: 'Two words', body: 'x\r\ny' }],
    ['mailto:?to=a@example.org&cc=b@example.org&bcc=c@example.org', { to: 'a@example.org', cc: 'b@example.org', subject: '', body: '' }],
    ['mailto:a@x.example?to=b@x.example', { to: 'a@x.example, b@x.example', cc: '', subject: '', body: '' }],
    ['mailto:%zz', { to: '%zz', cc: '', subject: '', body: '' }],
    ['https://example.org', null],
  ])('%s', (href, wanted) => {
    expect(mailto(href)).toEqual(wanted)
  })
})

describe('leaving a list', () => {
  const letter = { way: 'mail', letter: { to: 'off@l.example', cc: '', subject: '', body: '' } }
  it.each([
    [null, null, null],
    [[], null, null],
    [['mailto:off@l.example'], null, letter],
    [['https://l.example/u'], null, { way: 'link', url: 'https://l.example/u', oneClick: false }],
    [['mailto:off@l.example', 'https://l.example/u'], null, letter],
    [['mailto:off@l.example', 'https://l.example/u'], 'List-Unsubscribe=One-Click', { way: 'link', url: 'https://l.example/u', oneClick: true }],
    [['http://l.example/u'], 'List-Unsubscribe=One-Click', { way: 'link', url: 'http://l.example/u', oneClick: false }],
    [['javascript:alert(1)'], 'List-Unsubscribe=One-Click', null],
  ])('%o %o', (urls, post, wanted) => {
    expect(unsubscribeBy(urls, post)).toEqual(wanted)
  })
})

describe('who a message is from', () => {
  const field = (rest: string): string[] => [`mail.example.org; ${rest}`, 'forged.example; dmarc=pass header.from=bank.example']
  it.each([
    ['dmarc=pass (p=reject) header.from=example.net; spf=pass smtp.mailfrom=a@example.net', 'verified'],
    ['dmarc=fail header.from=example.net; spf=pass smtp.mailfrom=a@x.example', 'doubtful'],
    ['dmarc=none header.from=example.net; dkim=pass header.d=example.net', 'partly'],
    ['spf=softfail smtp.mailfrom=a@example.net; dkim=none', 'doubtful'],
    ['none', 'unknown'],
    ['spf=neutral smtp.mailfrom=a@example.net', 'unknown'],
  ])('%s', (rest, shield) => {
    expect(shieldOf(findings(field(rest)))).toBe(shield)
  })

  it('names domains, and is not led astray by comments', () => {
    const found = findings(field('(a; dmarc=pass (b)) spf=fail (x; dkim=pass) smtp.mailfrom="A@Example.NET"; dkim=pass header.i=@d.example'))
    expect(found).toEqual([
      { method: 'spf', outcome: 'fail', domain: 'example.net' },
      { method: 'dkim', outcome: 'pass', domain: 'd.example' },
    ])
  })

  it('hears nothing that came with the message', () => {
    expect(findings(null)).toEqual([])
    expect(findings([])).toEqual([])
    expect(shieldOf(findings(field('none')))).toBe('unknown')
  })
})

describe('attachments', () => {
  const part = (rest: Partial<Part>): Part => ({
    partId: '2', blobId: 'B1', size: 10, name: 'a.png', type: 'image/png', disposition: 'attachment', cid: null, ...rest,
  })
  it.each([
    ['image/png', 10, 'image'],
    ['IMAGE/JPEG', 10, 'image'],
    ['text/plain', 10, 'text'],
    ['text/plain', 3 * 1024 ** 2, null],
    ['text/html', 3 * 1024 ** 2, null],
    ['application/pdf', 10, 'pdf'],
    ['application/zip', 10, null],
  ])('%s of %d octets', (type, size, kind) => {
    expect(previewOf(part({ type, size }))).toBe(kind)
  })

  it.each([
    ['text/html', true],
    ['TEXT/XML', true],
    ['text/xsl', true],
    ['image/svg+xml', true],
    ['application/xml', true],
    ['application/xhtml+xml', true],
    ['application/atom+xml', true],
    ['text/plain', false],
    ['application/vnd.openxmlformats-officedocument.wordprocessingml.document', false],
  ])('%s is shown as it is written: %s', (type, written) => {
    expect(isMarkup(part({ type }))).toBe(written)
    expect(previewOf(part({ type })) === 'text').toBe(written || type === 'text/plain')
  })

  it('names do not deceive', () => {
    expect(nameOf(part({ name: 'photo\u202egpj.exe' }), 'x')).toBe('photo\ufffdgpj.exe')
    expect(nameOf(part({ name: ' ' }), 'no name')).toBe('no name')
    expect(honest('in\u202evoice')).toBe('invoice')
  })

  it('have an address', () => {
    const template = '/jmap/download/{accountId}/{blobId}/{name}?type={type}'
    expect(downloadUrl(template, 'A1', part({}), 'a/ü.png', true))
      .toBe('/jmap/download/A1/B1/a%2F%C3%BC.png?type=image%2Fpng&inline=1')
  })
})

describe('the height of a frame', () => {
  it('follows the content, ten times a second at most', () => {
    const height = new Height()
    expect(height.propose(100.2, 0)).toEqual({ set: 101, wait: null })
    expect(height.propose(300, 40)).toEqual({ set: null, wait: 60 })
    expect(height.propose(300, 100)).toEqual({ set: 300, wait: null })
    expect(height.propose(301, 900)).toEqual({ set: null, wait: null })
  })

  it('has a limit', () => {
    expect(new Height().propose(1e9, 0).set).toBe(MOST_HEIGHT)
    expect(new Height().propose(-5, 0).set).toBeNull()
  })

  it('does not run away with a mail that grows with its frame', () => {
    const height = new Height()
    let now = 0
    let last = 0
    for (let n = 0; n < 500; n += 1) last = height.propose(last + 16, (now += 100)).set ?? last
    expect(last).toBeLessThan(1000)
    height.forget()
    expect(height.propose(last + 16, now + 100).set).toBe(last + 16)
  })
})
