import { describe, expect, it } from 'vitest'
import {
  answeringIdentity,
  forwardSubject,
  ownAddresses,
  replyRecipients,
  replySubject,
  threading,
  type Answered,
  type Identity,
} from './reply.ts'

const at = (email: string) => ({ name: null, email })
const letter = (parts: Partial<Answered>): Answered => ({
  from: null,
  replyTo: null,
  to: null,
  cc: null,
  bcc: null,
  subject: null,
  messageId: null,
  references: null,
  inReplyTo: null,
  ...parts,
})
const identity = (id: string, email: string): Identity => ({
  id,
  name: id,
  email,
  textSignature: '',
  htmlSignature: '',
})
const mine = ownAddresses([identity('1', 'me@example.org')])
const emails = (list: { email: string }[]) => list.map((one) => one.email)

describe('recipients', () => {
  const email = letter({
    from: [at('alice@example.org')],
    to: [at('me@example.org'), at('bob@example.org')],
    cc: [at('Alice@example.org'), at('carol@example.org')],
  })

  it('a reply goes to the sender', () => {
    expect(emails(replyRecipients(email, 'reply', mine).to)).toEqual(['alice@example.org'])
  })

  it('a reply to all leaves oneself and doubles out', () => {
    const { to, cc } = replyRecipients(email, 'replyAll', mine)
    expect(emails(to)).toEqual(['alice@example.org'])
    expect(emails(cc)).toEqual(['bob@example.org', 'carol@example.org'])
  })

  it('Reply-To goes before From', () => {
    const list = letter({ ...email, replyTo: [at('list@example.org')] })
    expect(emails(replyRecipients(list, 'reply', mine).to)).toEqual(['list@example.org'])
  })

  it('an answer to a letter of one’s own goes to its recipients', () => {
    const own = letter({
      from: [at('me@example.org')],
      to: [at('bob@example.org')],
      cc: [at('c@example.org')],
    })
    expect(replyRecipients(own, 'replyAll', mine)).toEqual({
      to: [at('bob@example.org')],
      cc: [at('c@example.org')],
    })
  })

  it('an address with a detail is one’s own', () => {
    expect(mine('me+shop@example.org')).toBe(true)
    expect(mine('you+shop@example.org')).toBe(false)
  })
})

it.each([
  ['Plans', 'Re: Plans', 'Fwd: Plans'],
  ['Re: Plans', 'Re: Plans', 'Fwd: Re: Plans'],
  ['RE: AW: Re[2]: Plans', 'Re: Plans', 'Fwd: RE: AW: Re[2]: Plans'],
  ['Fwd: Plans', 'Re: Fwd: Plans', 'Fwd: Plans'],
  ['回复：计划', 'Re: 计划', 'Fwd: 回复：计划'],
  ['Reading: plans', 'Re: Reading: plans', 'Fwd: Reading: plans'],
  [null, 'Re:', 'Fwd:'],
])('subjects of %s', (subject, reply, forward) => {
  expect(replySubject(subject)).toBe(reply)
  expect(forwardSubject(subject)).toBe(forward)
})

describe('thread', () => {
  it('refers to all before', () => {
    const email = letter({ messageId: ['c@x'], references: ['a@x', 'b@x'] })
    expect(threading(email)).toEqual({ inReplyTo: ['c@x'], references: ['a@x', 'b@x', 'c@x'] })
  })

  it('takes In-Reply-To where there are no references', () => {
    const email = letter({ messageId: ['c@x'], inReplyTo: ['b@x'] })
    expect(threading(email).references).toEqual(['b@x', 'c@x'])
  })

  it('keeps the first and the latest of a long thread', () => {
    const before = Array.from({ length: 100 }, (_, i) => `${i}@x`)
    const { references } = threading(letter({ messageId: ['z@x'], references: before }))
    expect(references).toHaveLength(40)
    expect(references[0]).toBe('0@x')
    expect(references.at(-1)).toBe('z@x')
  })
})

describe('identity', () => {
  const all = [identity('1', 'me@example.org'), identity('2', 'shop@example.org')]

  it('is the one that was written to', () => {
    const email = letter({ to: [at('x@example.org'), at('Shop@example.org')] })
    expect(answeringIdentity(email, all).identity?.id).toBe('2')
  })

  it('answers from the plus address', () => {
    const email = letter({ to: [at('me+list@example.org')] })
    expect(answeringIdentity(email, all)).toMatchObject({
      identity: { id: '1' },
      from: 'me+list@example.org',
    })
  })

  it('is the first where none fits', () => {
    expect(answeringIdentity(letter({}), all)).toMatchObject({
      identity: { id: '1' },
      from: 'me@example.org',
    })
    expect(answeringIdentity(letter({}), [])).toEqual({ identity: null, from: null })
  })
})
