import { expect, it } from 'vitest'
import { plainText } from './log-tail.ts'

const frame = (stream: number, text: string) => {
  const head = Buffer.alloc(8)
  head[0] = stream
  head.writeUInt32BE(Buffer.byteLength(text), 4)
  return Buffer.concat([head, Buffer.from(text)])
}

it('puts both streams together in their order', () => {
  expect(plainText(Buffer.concat([frame(1, 'one\n'), frame(2, 'zwö\n'), frame(1, '')]))).toBe('one\nzwö\n')
})

it('leaves the output of a terminal as it is', () => {
  expect(plainText(Buffer.from('plain text, no frames\n'))).toBe('plain text, no frames\n')
})

it.each([0, 3, 8, 10])('makes what it can of a log that was cut after %i bytes', (length) => {
  expect('hello').toContain(plainText(frame(1, 'hello').subarray(0, length)).trim())
})
