import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { piecesOf, recordRequest } from './recorder.testkit.ts'

const HEAD = 'POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n'

/** The slow and obvious decoder: the whole text at once, with a regular expression for each line. Null: refused. */
function decodeNaively(text: string): { body: string; rest: string } | null | 'incomplete' {
  let body = ''
  let rest = text
  for (;;) {
    const line =
      /^([0-9A-Fa-f]{1,14})((?:;[!#$%&'*+\-.^_`|~0-9A-Za-z]+(?:=(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+|"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"))?)*)\r\n/.exec(
        rest,
      )
    if (line === null) return /\r\n/.test(rest) ? null : 'incomplete'
    const size = Number.parseInt(line[1], 16)
    if (size > Number.MAX_SAFE_INTEGER || line[0].length - 2 > 256) return null
    rest = rest.slice(line[0].length)
    if (size === 0) {
      if (rest.startsWith('\r\n')) return { body, rest: rest.slice(2) }
      return 'incomplete'
    }
    if (rest.length < size) return 'incomplete'
    body += rest.slice(0, size)
    if (rest.length < size + 2) return 'incomplete'
    if (rest.slice(size, size + 2) !== '\r\n') return null
    rest = rest.slice(size + 2)
  }
}

const chunk = fc.record({
  data: fc.string({ minLength: 1, maxLength: 40, unit: 'binary-ascii' }),
  zeros: fc.nat(3),
  upper: fc.boolean(),
  extension: fc.constantFrom('', ';a', ';a=b', ';a="b;\\"c"', ';a="";b', ';', ';a=', ' ;a', ';a =b', ';\x00'),
})

/** Mostly well-formed bodies: an accident, where there is one, is a byte replaced. */
const body = fc
  .tuple(
    fc.array(chunk, { maxLength: 5 }),
    fc.option(fc.tuple(fc.nat(200), fc.constantFrom(...'\r\n;"= gG0')), { freq: 2 }),
  )
  .map(([chunks, accident]) => {
    let text = ''
    for (const { data, zeros, upper, extension } of chunks) {
      const size = data.length.toString(16)
      text += `${'0'.repeat(zeros)}${upper ? size.toUpperCase() : size}${extension}\r\n${data}\r\n`
    }
    text += '0\r\n\r\n'
    if (accident === null) return text
    const at = accident[0] % text.length
    return text.slice(0, at) + accident[1] + text.slice(at + 1)
  })

describe('chunked bodies', () => {
  it('are decoded as a naive decoder does, however the bytes are cut', () => {
    let accepted = 0
    let refused = 0
    fc.assert(
      fc.property(body, fc.array(fc.nat(400), { maxLength: 6 }), (text, cuts) => {
        const expected = decodeNaively(text)
        const bytes = Buffer.from(HEAD + text, 'latin1')
        const { events, consumed } = recordRequest(bytes, piecesOf(bytes.length, cuts))
        const data = events.flatMap((event) =>
          typeof event === 'object' && 'data' in event ? [event.data] : [],
        )
        const failed = events.some((event) => typeof event === 'object' && 'error' in event)
        if (expected === null) {
          refused++
          expect(failed).toBe(true)
        } else if (expected === 'incomplete') {
          // The naive decoder waits for whole lines, so it may see a fault later; but nothing is complete.
          expect(events).not.toContain('end')
        } else {
          accepted++
          expect(failed).toBe(false)
          expect(events).toContain('end')
          expect(data.join('')).toBe(expected.body)
          expect(consumed).toBe(bytes.length - expected.rest.length)
        }
      }),
      { numRuns: 2000 },
    )
    expect(accepted).toBeGreaterThan(200)
    expect(refused).toBeGreaterThan(100)
  })

  it('counts extensions over the whole message, not only in each line', () => {
    const line = `1;${'e'.repeat(250)}\r\nx\r\n`
    const bytes = Buffer.from(`${HEAD}${line.repeat(66)}0\r\n\r\n`)
    const { events } = recordRequest(bytes, [bytes.length])
    expect(events.at(-1)).toMatchObject({ error: { code: 'http1/chunk-extensions-too-large' } })
  })

  it('hands a chunk on in parts, as it arrives', () => {
    const bytes = Buffer.from(`${HEAD}5\r\nhel`)
    const { events } = recordRequest(bytes, [bytes.length])
    expect(events.at(-1)).toEqual({ data: 'hel' })
  })
})
