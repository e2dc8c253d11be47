import { BODY_KNOWN, BODY_NONE, BODY_UNKNOWN, RESET } from '@brxy/protocol'
import { describe, expect, it, vi } from 'vitest'
import { poll } from '../eventually.testkit.ts'
import { staged } from '../stage.testkit.ts'
import { get, post, WireClient } from './wire.testkit.ts'

/*
 * What comes back to a raw client: 1xx, trailers, what has no body, HTTP/1.0. Which row of HTTP.md is tested where:
 * raw-client.test.ts. Whatever is received is read by the strict decoder as well (wire.testkit.ts).
 */

vi.setConfig({ testTimeout: 20_000 })

const stage = staged<WireClient>((client) => client.answers())
const connect = () => stage.add(new WireClient(stage.edge.port))

const HEAD = 'HTTP/1.1 200 OK\r\n'
describe('interim responses', () => {
  it('come in order before the answer to HEAD, and do not count as it', async () => {
    const linker = await stage.edge.linker()
    const client = connect().send(`HEAD / HTTP/1.1\r\nHost: shop\r\n\r\n${get('/2')}`)
    const request = await linker.next()
    for (const status of ['102 Processing', '103 Early Hints', '199 Own'])
      request.interim(`HTTP/1.1 ${status}\r\n\r\n`)
    request.sendHead(`${HEAD}\r\n`, BODY_NONE, 5)
    request.done()
    ;(await linker.next()).respond('two')
    expect(await client.answered(2)).toMatchObject([
      { interim: [102, 103, 199], body: '' },
      { interim: [], body: 'two' },
    ])
  })

  it('beyond 16 are an instance that does not speak the protocol', async () => {
    const linker = await stage.edge.linker()
    const client = connect().send(post('/', 'x'))
    await linker.next()
    // Frame by frame, for the session of a linker knows the rule: HEAD, no body, INTERIM, no length.
    const frame = Buffer.from(
      '\x00\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00HTTP/1.1 103 Hi\r\n\r\n',
      'latin1',
    )
    for (let at = 0; at < 17; at++) linker.session.batch.copy(0x32, false, 1, frame, 0, frame.length)
    const [answer] = await client.answered(1)
    expect(answer).toMatchObject({ status: 502, keepAlive: true })
    expect(answer.interim).toHaveLength(16)
    await poll(() => linker.end?.code).toBe('protocol/bad-state')
  })

  it('are followed by an error of the edge when the application dies', async () => {
    const linker = await stage.edge.linker()
    const client = connect().send(get('/'))
    const request = await linker.next()
    request.interim('HTTP/1.1 103 Early Hints\r\n\r\n')
    await client.until('103')
    request.reset(RESET.APP_CLOSED)
    expect(await client.answered(1)).toMatchObject([{ status: 502, interim: [103], keepAlive: true }])
  })
})

describe('trailers', () => {
  const TE = 'TE: trailers\r\nConnection: TE\r\n'

  it('of a body of known length have no place, and the next response is understood', async () => {
    const linker = await stage.edge.linker()
    const client = connect().send(`${get('/1', TE)}${get('/2', TE)}`)
    for (const body of ['one', 'two']) {
      const request = await linker.next()
      request.sendHead(`${HEAD}\r\n`, BODY_KNOWN, 3)
      request.write(body)
      request.finish('X-Sum: 1\r\n')
    }
    expect(await client.answered(2)).toMatchObject([
      { body: 'one', trailers: [] },
      { body: 'two', trailers: [] },
    ])
  })

  it('are not for a 1.0 client, whatever it says', async () => {
    const linker = await stage.edge.linker()
    const client = connect().send(`GET / HTTP/1.0\r\nHost: shop\r\n${TE}\r\n`)
    const request = await linker.next()
    request.sendHead(`${HEAD}\r\n`)
    request.write('x')
    request.finish('X-Sum: 1\r\n')
    await client.ended()
    expect(client.answers()).toMatchObject([{ body: 'x', trailers: [], isComplete: true }])
  })

  it('lose what may not come in them, and a body of nothing but trailers is one', async () => {
    const linker = await stage.edge.linker()
    const client = connect().send(get('/', TE))
    const request = await linker.next()
    request.sendHead(`${HEAD}\r\n`)
    request.finish(
      'Set-Cookie: a=b\r\nX-Sum: 1\r\nConnection: close\r\nCache-Control: no-store\r\nx-Sum: 2\r\n',
    )
    const [answer] = await client.answered(1)
    expect(answer).toMatchObject({
      body: '',
      trailers: [
        ['X-Sum', '1'],
        ['x-Sum', '2'],
      ],
    })
  })
})

describe('HTTP/1.0', () => {
  it('and 1.1 may take turns on a connection that is kept', async () => {
    const linker = await stage.edge.linker()
    const client = connect()
    const old = (method: string, rest: string) =>
      `${method} / HTTP/1.0\r\nHost: shop\r\nConnection: keep-alive\r\n${rest}`
    client.send(
      `${old('POST', 'Content-Length: 5\r\n\r\nhello')}${get('/')}${old('HEAD', '\r\n')}${old('GET', '\r\n')}`,
    )
    for (let at = 0; at < 4; at++) {
      const request = await linker.next()
      if (at === 0) await poll(() => request.body.toString()).toBe('hello')
      if (at === 2) {
        request.sendHead(`${HEAD}\r\n`, BODY_NONE, 4)
        request.done()
      } else if (at === 3) {
        request.sendHead(`${HEAD}\r\n`, BODY_UNKNOWN)
        request.write('to the end')
        request.finish()
      } else request.respond(`answer ${at}`)
    }
    await client.ended()
    const answers = client.answers()
    expect(answers.map(({ body }) => body)).toEqual(['answer 0', 'answer 1', '', 'to the end'])
    expect(answers.map(({ keepAlive }) => keepAlive)).toEqual([true, true, true, false])
    expect(answers.map(({ isComplete }) => isComplete)).toEqual([true, true, true, true])
  })

  it.each([
    ['chunks', 'POST / HTTP/1.0\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', 400],
    ['no Host', 'GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n', 400],
    ['two lengths', 'POST / HTTP/1.0\r\nHost: shop\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\nx', 400],
  ])('with %s is refused and the connection closed', async (_, bytes, status) => {
    const client = connect().send(bytes)
    await client.ended()
    expect(client.answers()).toMatchObject([{ status, keepAlive: false, isComplete: true }])
  })

  it('without Connection gets errors and 204 that end the connection', async () => {
    const linker = await stage.edge.linker()
    for (const status of ['204 No Content', '304 Not Modified', '200 OK']) {
      const client = connect().send('GET / HTTP/1.0\r\nHost: shop\r\n\r\n')
      ;(await linker.next()).respond('', status)
      await client.ended()
      expect(client.answers()).toMatchObject([{ body: '', keepAlive: false, isComplete: true }])
      expect(client.end).toBe('fin')
    }
  })

  it('a response that is cut off is never taken for a whole one', async () => {
    const linker = await stage.edge.linker()
    for (const version of ['1.0', '1.1']) {
      const client = connect().send(`GET / HTTP/${version}\r\nHost: shop\r\n\r\n`)
      const request = await linker.next()
      request.sendHead(`${HEAD}\r\n`)
      request.write('half')
      await client.until('half')
      request.reset(RESET.APP_CLOSED)
      request.done()
      await client.ended()
      expect(client.answers()).toMatchObject([{ body: 'half', isComplete: false }])
    }
  })
})

describe('a linker that declares a length for what has no body', () => {
  const check = async (method: string, status: string) => {
    const linker = await stage.edge.linker()
    const client = connect().send(`${method} / HTTP/1.1\r\nHost: shop\r\n\r\n${get('/next')}`)
    const request = await linker.next()
    request.sendHead(`HTTP/1.1 ${status}\r\n\r\n`, BODY_NONE, 5)
    request.done()
    ;(await linker.next()).respond('next!')
    const answers = await client.answered(2)
    expect(answers[1]).toMatchObject({ status: 200, body: 'next!' })
  }

  it('does not get the next answer on the connection taken for it', () => check('GET', '204 No Content'))

  // The length of a HEAD frame without a body is for HEAD and 304 alone (docs/protocol.md), and the edge writes it.
  it.each([
    ['GET', '200 OK'],
    ['POST', '404 Not Found'],
    ['GET', '205 Reset Content'],
  ])('nor with %s, %s', check)
})
