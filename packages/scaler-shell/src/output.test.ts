import { describe, expect, it } from 'vitest'
import { CUT_MARK, LaunchOutput, MAX_KEPT, MAX_LINE_BYTES, MAX_LINES, MAX_STDERR_BYTES } from './output.ts'

function record(): { output: LaunchOutput; seen: [string, string][] } {
  const seen: [string, string][] = []
  return { output: new LaunchOutput((stream, line) => seen.push([stream, line])), seen }
}

describe('LaunchOutput', () => {
  it('gives the same lines however the bytes are divided', () => {
    const bytes = Buffer.from('one\r\n\ntwo é 日本\nlast')
    for (let at = 0; at <= bytes.length; at++) {
      const { output, seen } = record()
      output.push('stdout', bytes.subarray(0, at))
      output.push('stdout', bytes.subarray(at))
      output.end('stdout')
      expect(seen.map(([, line]) => line)).toEqual(['one', '', 'two é 日本', 'last'])
    }
  })

  it('gives out a line as soon as it is complete, and an unfinished one when the stream ends', () => {
    const { output, seen } = record()
    output.push('stdout', Buffer.from('a\nb'))
    expect(seen).toEqual([['stdout', 'a']])
    output.end('stdout')
    expect(seen).toEqual([
      ['stdout', 'a'],
      ['stdout', 'b'],
    ])
    output.end('stderr')
    expect(seen).toHaveLength(2)
  })

  it('divides each stream by itself and keeps both in order of arrival', () => {
    const { output } = record()
    output.push('stdout', Buffer.from('ou'))
    output.push('stderr', Buffer.from('err\n'))
    output.push('stdout', Buffer.from('t\n'))
    expect(output.lines()).toEqual(['err', 'out'])
  })

  it('does not keep the buffer that it was given', () => {
    const { output } = record()
    const chunk = Buffer.from('abc')
    output.push('stderr', chunk)
    chunk.fill('x')
    output.end('stderr')
    expect([output.lines(), output.stderrTail()]).toEqual([['abc'], 'abc'])
  })

  it.each([1, 1_000, MAX_LINE_BYTES, 3 * MAX_LINE_BYTES])(
    'cuts a long line with a mark, in chunks of %i',
    (size) => {
      const { output, seen } = record()
      const bytes = Buffer.from(`${'x'.repeat(3 * MAX_LINE_BYTES)}\nnext\n`)
      for (let at = 0; at < bytes.length; at += size) output.push('stdout', bytes.subarray(at, at + size))
      expect(seen.map(([, line]) => line)).toEqual([`${'x'.repeat(MAX_LINE_BYTES)}${CUT_MARK}`, 'next'])
    },
  )

  it('leaves a line of just the longest length whole', () => {
    const { output, seen } = record()
    output.push('stdout', Buffer.from(`${'x'.repeat(MAX_LINE_BYTES)}\n`))
    expect(seen).toEqual([['stdout', 'x'.repeat(MAX_LINE_BYTES)]])
  })

  it('keeps the last 200 lines', () => {
    const { output } = record()
    for (let line = 0; line < MAX_LINES + 50; line++) output.push('stdout', Buffer.from(`${line}\n`))
    expect(output.lines()).toHaveLength(MAX_LINES)
    expect(output.lines()[0]).toBe('50')
  })

  it('keeps fewer lines when they are long', () => {
    const { output } = record()
    for (let line = 0; line < MAX_LINES; line++)
      output.push('stdout', Buffer.from(`${'x'.repeat(MAX_LINE_BYTES)}\n`))
    expect(output.lines().join('').length).toBeLessThanOrEqual(MAX_KEPT)
    expect(output.lines()).toHaveLength(MAX_KEPT / MAX_LINE_BYTES)
  })

  it('keeps the last 4 KiB of stderr only, whole characters of it', () => {
    const { output } = record()
    output.push('stdout', Buffer.from('not this\n'))
    output.push('stderr', Buffer.from('a'.repeat(10_000)))
    output.push('stderr', Buffer.from(`é${'b'.repeat(MAX_STDERR_BYTES - 2)}\n`))
    expect(output.stderrTail()).toBe('b'.repeat(MAX_STDERR_BYTES - 2))
  })
})
