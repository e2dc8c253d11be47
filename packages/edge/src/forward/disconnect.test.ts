import { BODY_KNOWN, RESET } from '@brxy/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TestEdge } from '../edge.testkit.ts'
import { poll } from '../eventually.testkit.ts'

let edge: TestEdge
beforeEach(async () => {
  edge = await TestEdge.start({ limits: { heldBodyBytes: 1024 } })
})
afterEach(() => edge.close())

const HEAD = 'HTTP/1.1 200 OK\r\n'
const POST = 'POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 1000000\r\n\r\n'

describe('a client that goes away', () => {
  it.each(['reset', 'finish', 'close'] as const)(
    'while it is held (%s) leaves the queue at once',
    async (how) => {
      const client = edge.client().get()
      const stays = edge.client().get('/stays')
      await edge.untilHeld(2)
      client[how]()
      await edge.untilHeld(1)
      const linker = await edge.linker()
      const request = await linker.next()
      expect(request.head).toMatch(/^GET \/stays /)
      request.respond('ok')
      await stays.until('ok')
    },
  )

  it('while it is held tells the linkers that the demand has fallen', async () => {
    const linker = await edge.linker({ grants: 0 })
    const client = edge.client().get()
    await poll(() => linker.demand).toBe(1)
    client.reset()
    await poll(() => linker.demand).toBe(0)
  })

  it('while its body is held is noticed, for the body is read on slowly', async () => {
    const client = edge.client().send(POST).send('x'.repeat(1_500))
    await poll(() => edge.edge.status().apps[0]?.held.bytes).toBeGreaterThan(1_500)
    // More than Node reads by itself: from now on nobody looks at the socket.
    client.send('x'.repeat(20_000))
    await poll(() => client.socket.writableLength).toBe(0)
    client.reset()
    await edge.untilHeld(0)
  })

  it.each(['reset', 'finish', 'close'] as const)(
    'while its request runs (%s) resets it through to the instance',
    async (how) => {
      const linker = await edge.linker()
      const client = edge.client().get()
      const request = await linker.next()
      client[how]()
      await poll(() => request.resetCode).toBe(RESET.CANCELLED)
      await poll(() => edge.of('request')).toMatchObject([{ error: 'client gone', status: 0 }])
    },
  )

  it('in the middle of its upload resets it through to the instance', async () => {
    const linker = await edge.linker()
    const client = edge.client().send(POST).send('some')
    const request = await linker.next()
    await poll(() => request.bodyBytes).toBe(4)
    client.finish()
    await poll(() => request.resetCode).toBe(RESET.CANCELLED)
  })

  it('in the middle of its response resets it through to the instance', async () => {
    const linker = await edge.linker()
    const client = edge.client().get()
    const request = await linker.next()
    request.sendHead(`${HEAD}\r\n`)
    request.write('hello')
    await client.until('hello')
    client.reset()
    await poll(() => request.resetCode).toBe(RESET.CANCELLED)
  })
})

describe('a response that cannot be completed', () => {
  it.each([
    ['chunked, lacks its last chunk', '1.1', 2, /5\r\nhello\r\n$/],
    ['of known length, is short', '1.1', BODY_KNOWN, /Content-Length: 10\r\n[\s\S]*\r\n\r\nhello$/],
  ] as const)('%s', async (_, version, body, expected) => {
    const linker = await edge.linker()
    const client = edge.client().send(`GET / HTTP/${version}\r\nHost: shop\r\n\r\n`)
    const request = await linker.next()
    request.sendHead(`${HEAD}\r\n`, body, body === BODY_KNOWN ? 10 : 0)
    request.write('hello')
    const received = await client.until('hello')
    request.reset(RESET.APP_CLOSED)
    expect(received + (await client.ended())).toMatch(expected)
    expect(edge.of('request')).toMatchObject([{ error: 'aborted', status: 200 }])
  })

  it('that only the end of the connection ends, ends with RST', async () => {
    const linker = await edge.linker()
    const client = edge.client().send('GET / HTTP/1.0\r\nHost: shop\r\n\r\n')
    const request = await linker.next()
    request.sendHead(`${HEAD}\r\n`)
    request.write('hello')
    await client.until('hello')
    request.reset(RESET.APP_CLOSED)
    await client.ended()
    expect(client.end).toBe('reset')
  })

  it('because the tunnel was lost is aborted the same way', async () => {
    const linker = await edge.linker()
    const client = edge.client().get()
    const request = await linker.next()
    request.sendHead(`${HEAD}\r\n`)
    request.write('hello')
    await client.until('hello')
    linker.cut()
    expect(await client.ended()).toBe('')
  })

  it('because the request body turned out malformed is aborted too', async () => {
    const linker = await edge.linker()
    const client = edge.client().send('POST / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n')
    const request = await linker.next()
    request.sendHead(`${HEAD}\r\n`)
    request.write('hello')
    await client.until('hello')
    client.send('nonsense\r\n')
    await poll(() => request.resetCode).toBe(RESET.CANCELLED)
    expect(await client.ended()).toBe('')
  })
})
