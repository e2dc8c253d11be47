import fc from 'fast-check'
import { expect, test } from 'vitest'
import { OutputTail, TAIL_BYTES } from './tail.ts'

test('keeps all of a short output', () => {
  const tail = new OutputTail()
  expect(tail.toString()).toBe('')
  tail.push(Buffer.from('one '))
  tail.push(Buffer.from('two'))
  expect(tail.toString()).toBe('one two')
})

test('keeps the last 4 KiB by default', () => {
  const tail = new OutputTail()
  tail.push(Buffer.from('x'.repeat(10_000)))
  tail.push(Buffer.from('end'))
  expect(TAIL_BYTES).toBe(4096)
  expect(tail.toString()).toBe(`${'x'.repeat(4093)}end`)
})

test('leaves out a character that was cut at the front', () => {
  const tail = new OutputTail(8)
  tail.push(Buffer.from('€€€')) // 3 octets each
  expect(tail.toString()).toBe('€€')
})

test('copies what it keeps', () => {
  const tail = new OutputTail()
  const chunk = Buffer.from('kept')
  tail.push(chunk)
  chunk.fill(0)
  expect(tail.toString()).toBe('kept')
})

test('agrees with slicing the whole output, whatever the chunks', () => {
  const ascii = fc.string({ unit: 'grapheme-ascii', maxLength: 12 })
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10 }), fc.array(ascii, { maxLength: 12 }), (bytes, chunks) => {
      const tail = new OutputTail(bytes)
      for (const chunk of chunks) tail.push(Buffer.from(chunk))
      expect(tail.toString()).toBe(chunks.join('').slice(-bytes))
    }),
  )
})
