import { describe, expect, it } from 'vitest'
import { type MessageHandler, MessageReader } from './message-reader.ts'

function read(isResponse: boolean, framing: 'fields' | 'none' = 'fields') {
  const log: string[] = []
  const handler: MessageHandler = {
    onHead(startLine) {
      log.push(startLine)
      return framing
    },
    onBody: (bytes) => void log.push(`body ${bytes}`),
    onEnd: () => void log.push('end'),
  }
  return { log, reader: new MessageReader(isResponse, handler) }
}

describe('a message reader', () => {
  it.each([
    ['a known length', 'Content-Length: 4\r\n\r\nabcd'],
    ['chunks', 'Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n'],
  ])('reads a body of %s, in whatever pieces it comes', (_, rest) => {
    const text = `POST / HTTP/1.1\r\n${rest}`
    for (let cut = 1; cut < text.length; cut++) {
      const { log, reader } = read(false)
      reader.push(Buffer.from(text.slice(0, cut)))
      reader.push(Buffer.from(text.slice(cut)))
      const body = log.filter((line) => line.startsWith('body')).map((line) => line.slice(5))
      expect([log[0], body.join(''), log.at(-1)]).toEqual(['POST / HTTP/1.1', 'abcd', 'end'])
      expect(reader.isIdle).toBe(true)
    }
  })

  it('reads one message after another', () => {
    const { log, reader } = read(false)
    reader.push(Buffer.from('GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\n\r\n'))
    expect(log).toEqual(['GET /1 HTTP/1.1', 'end', 'GET /2 HTTP/1.1', 'end'])
  })

  it('takes the end of the connection for the end of a response that has no other', () => {
    const { log, reader } = read(true)
    reader.push(Buffer.from('HTTP/1.1 200 OK\r\n\r\nabc'))
    expect(log.at(-1)).toBe('body abc')
    expect(reader.end()).toBe(true)
    expect(log.at(-1)).toBe('end')
  })

  it('does not take it for the end of any other', () => {
    const { reader } = read(true)
    reader.push(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nabc'))
    expect(reader.end()).toBe(false)
  })

  it('expects no body in the answer to HEAD', () => {
    const { log, reader } = read(true, 'none')
    reader.push(Buffer.from('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n'))
    expect(log).toEqual(['HTTP/1.1 200 OK', 'end'])
  })
})
