import { describe, expect, it } from 'vitest'
import { SocketWriter, type WriterOwner } from './socket-writer.ts'

/** A socket that keeps references, as a kernel that is not reading makes Node do, until drain(). */
class KeepingSocket {
  destroyed = false
  isSlow = false
  written: Buffer[] = []
  received = ''
  corks = 0
  waiting: (() => void)[] = []

  get writableLength(): number {
    return this.written.reduce((sum, buffer) => sum + buffer.length, 0)
  }

  cork(): void {
    this.corks++
  }

  uncork(): void {
    this.corks--
  }

  write(data: Buffer, onWritten: () => void): boolean {
    this.written.push(data)
    this.waiting.push(onWritten)
    if (!this.isSlow) this.drain()
    return true
  }

  drain(): void {
    for (const buffer of this.written) this.received += buffer.toString('latin1')
    this.written = []
    for (const onWritten of this.waiting.splice(0)) onWritten()
  }
}

class Owner implements WriterOwner {
  readonly socket = new KeepingSocket()
  writes = 0
  readonly onWritten = () => {
    this.writes++
  }
}

const put = (writer: SocketWriter, owner: Owner, text: string) =>
  writer.append(owner, Buffer.from(text, 'latin1'), 0, text.length)

const tick = () => new Promise<void>((resolve) => process.nextTick(resolve))

describe('SocketWriter', () => {
  it('gathers what is appended and writes it once, at the end of the callback', async () => {
    const writer = new SocketWriter()
    const owner = new Owner()
    put(writer, owner, 'a')
    const at = writer.room(owner, 10)
    writer.advance(at + writer.buffer.write('bcd', at))
    put(writer, owner, 'e')
    expect(owner.socket.received).toBe('')
    await tick()
    expect([owner.socket.received, owner.writes]).toEqual(['abcde', 1])
  })

  it('writes for one owner at a time, the earlier one first', () => {
    const writer = new SocketWriter()
    const [one, two] = [new Owner(), new Owner()]
    put(writer, one, 'one')
    put(writer, two, 'two')
    expect(one.socket.received).toBe('one')
    writer.flush()
    expect(two.socket.received).toBe('two')
  })

  it('tells an owner when the kernel has taken its bytes, however slow that is', () => {
    const writer = new SocketWriter()
    const owner = new Owner()
    owner.socket.isSlow = true
    put(writer, owner, 'a few bytes, far below any high water mark')
    writer.flush()
    expect(owner.writes).toBe(0)
    owner.socket.drain()
    expect(owner.writes).toBe(1)
  })

  it('writes large pieces by reference, in order with the small ones', () => {
    const writer = new SocketWriter()
    const owner = new Owner()
    const large = 'x'.repeat(5_000)
    put(writer, owner, 'a')
    put(writer, owner, large)
    put(writer, owner, 'b')
    writer.flush()
    expect(owner.socket.received).toBe(`a${large}b`)
    expect(owner.socket.corks).toBe(0)
  })

  it('does not write over what a slow socket still refers to', () => {
    const writer = new SocketWriter()
    const [slow, fast] = [new Owner(), new Owner()]
    slow.socket.isSlow = true
    const expected = { slow: '', fast: '' }
    for (let i = 0; i < 200; i++) {
      const text = `${i}`.repeat(1 + ((i * 37) % 1200)).slice(0, 4_096)
      put(writer, slow, text)
      put(writer, fast, text.toUpperCase())
      expected.slow += text
      expected.fast += text
    }
    writer.flush()
    slow.socket.drain()
    expect(slow.socket.received).toBe(expected.slow)
    expect(fast.socket.received).toBe(expected.fast)
  })

  it('makes room beyond its buffer, with what was gathered moved over', () => {
    const writer = new SocketWriter()
    const owner = new Owner()
    put(writer, owner, 'head')
    const at = writer.room(owner, 100_000)
    writer.buffer.fill('y', at, at + 100_000)
    writer.advance(at + 100_000)
    writer.flush()
    expect(owner.socket.received).toBe(`head${'y'.repeat(100_000)}`)
  })

  it('writes nothing to a destroyed socket', () => {
    const writer = new SocketWriter()
    const owner = new Owner()
    put(writer, owner, 'a')
    owner.socket.destroyed = true
    put(writer, owner, 'b'.repeat(5_000))
    writer.flush()
    expect(owner.socket.received).toBe('')
    expect(owner.writes).toBe(0)
  })
})
