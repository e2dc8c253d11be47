import { BODY_NONE, RESET } from '@brxy/protocol'
import { describe, expect, it, vi } from 'vitest'
import { poll } from '../eventually.testkit.ts'
import type { ScriptedRequest } from '../linker.testkit.ts'
import { staged } from '../stage.testkit.ts'
import { get, post, WireClient } from './wire.testkit.ts'

/*
 * What a client sees of "The proxy around it", byte for byte: a raw socket against a real edge. Whatever any client
 * here receives is read by the strict decoder as well (wire.testkit.ts), in each test and once more after it.
 *
 *   every row of the table for requests      wire.test.ts (http1's vectors, through the edge)
 *   pipelining                               here; its bounds: flow.test.ts; garbage behind a request: refusal.test.ts
 *   early response                           here; RESET at the instance, smuggling: http1.test.ts; bounds: linger.test.ts
 *   body framing error                       refusal.test.ts (400, held), disconnect.test.ts (abort); in pieces: here
 *   Expect                                   http1.test.ts (held, 1.0, refused); without a body, 504, early: here
 *   client FIN                               disconnect.test.ts (held, running); in a head, pipelined, idle: here
 *   1xx                                      http1.test.ts; to HEAD, in an upload, too many: raw-answers.test.ts
 *   trailers                                 http1.test.ts; to 1.0, of a known length, not forwardable: raw-answers.test.ts
 *   HEAD, 204, 304, 205                      http1.test.ts; each with another request behind it: raw-answers.test.ts
 *   HTTP/1.0                                 http1.test.ts; bodies, keep-alive, errors, 1.0 and 1.1 in turn: raw-answers.test.ts
 *   a hostile linker                         hostile-linker.test.ts; lengths of what has no body: raw-answers.test.ts
 *   timeouts                                 refusal.test.ts (head, keepAlive, hold, response); bodyIdle and later: slow-client.test.ts
 *   Max-Forwards                             max-forwards.test.ts
 *   halfClose                                half-close.test.ts
 */

vi.setConfig({ testTimeout: 20_000 })

const stage = staged<WireClient>((client) => client.answers())
const connect = () => stage.add(new WireClient(stage.edge.port))

const HEAD = 'HTTP/1.1 200 OK\r\n'
const chunked = (target: string, fields = '') =>
  `POST ${target} HTTP/1.1\r\nHost: shop\r\n${fields}Transfer-Encoding: chunked\r\n\r\n`

const targetOf = (request: ScriptedRequest) => request.head.split(' ')[1]

describe('pipelined requests', () => {
  it('of all shapes are answered one by one, each with the framing that belongs to it', async () => {
    const linker = await stage.edge.linker({ slots: 8 })
    const client = connect().send(
      `HEAD /1 HTTP/1.1\r\nHost: shop\r\n\r\n${post('/2', 'two')}${chunked('/3')}2\r\nth\r\n3;x\r\nree\r\n0\r\nX-T: 1\r\n\r\n${get('/4')}${get('/5')}${get('/6')}HEAD /7 HTTP/1.1\r\nHost: shop\r\n\r\n${get('/8', 'Connection: close\r\n')}`,
    )
    const bodies: string[] = []
    for (let at = 1; at <= 8; at++) {
      const request = await linker.next()
      expect(targetOf(request)).toBe(`/${at}`)
      // Never two of one connection at once.
      expect(linker.requests).toHaveLength(at)
      await poll(() => request.ended || request.bodyKind === BODY_NONE).toBe(true)
      bodies.push(request.body.toString())
      if (at === 1) request.sendHead(`${HEAD}\r\n`, BODY_NONE, 7)
      else if (at === 4) request.sendHead('HTTP/1.1 304 Not Modified\r\n\r\n', BODY_NONE, 9)
      else if (at === 5) request.sendHead('HTTP/1.1 204 No Content\r\n\r\n', BODY_NONE)
      else if (at === 6) request.sendHead('HTTP/1.1 205 Reset Content\r\n\r\n', BODY_NONE)
      else if (at === 7) request.sendHead(`${HEAD}\r\n`, BODY_NONE)
      else {
        request.sendHead(`${HEAD}\r\n`)
        request.write(`body ${at}`)
        request.finish()
      }
    }
    const answers = await client.answered(8)
    expect(bodies).toEqual(['', 'two', 'three', '', '', '', '', ''])
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 304, 204, 205, 200, 200])
    expect(answers.map(({ body }) => body)).toEqual(['', 'body 2', 'body 3', '', '', '', '', 'body 8'])
    expect(await client.ended()).toBe(client.text)
    expect(client.end).toBe('fin')
  })

  it('mean the same in any pieces', async () => {
    const linker = await stage.edge.linker()
    const text = `${post('/a', 'one')}${chunked('/b')}3\r\ntwo\r\n0\r\n\r\n\r\n${get('/c')}`
    let seed = 11
    const below = (n: number) => (seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0) % n
    for (let round = 0; round < 12; round++) {
      const client = connect()
      const answering = (async () => {
        for (const [target, body] of [
          ['/a', 'one'],
          ['/b', 'two'],
          ['/c', ''],
        ]) {
          const request = await linker.next()
          expect(targetOf(request)).toBe(target)
          await poll(() => request.body.toString()).toBe(body)
          await poll(() => request.ended || request.bodyKind === BODY_NONE).toBe(true)
          request.respond(`ok ${target}`)
        }
      })()
      for (let at = 0; at < text.length; ) {
        const to = at + 1 + below(round < 2 ? 2 : 40)
        client.send(text.slice(at, to))
        at = to
        await new Promise((resolve) => setImmediate(resolve))
      }
      await answering
      const answers = await client.answered(3)
      expect(answers.map(({ body }) => body)).toEqual(['ok /a', 'ok /b', 'ok /c'])
    }
  })

  it('behind one with `Connection: close` are never looked at', async () => {
    const linker = await stage.edge.linker({ slots: 2 })
    const client = connect().send(`${get('/last', 'Connection: close\r\n')}${get('/never')}`)
    ;(await linker.next()).respond('bye')
    await client.ended()
    expect(client.end).toBe('fin')
    expect(client.answers().map(({ body }) => body)).toEqual(['bye'])
    expect(linker.requests).toHaveLength(1)
  })

  it('behind a request that got an error with a body to come are never looked at', async () => {
    await stage.restart({ hosts: ['shop'] })
    const linker = await stage.edge.linker()
    const client = connect().send(
      `POST / HTTP/1.1\r\nHost: other\r\nContent-Length: 3\r\n\r\nabc${get('/never')}`,
    )
    await client.ended()
    expect(client.answers().map(({ status, keepAlive }) => [status, keepAlive])).toEqual([[404, false]])
    expect(linker.requests).toHaveLength(0)
  })

  it('behind ones that are refused are understood', async () => {
    await stage.restart({ hosts: ['shop'] })
    const linker = await stage.edge.linker()
    const other = 'GET / HTTP/1.1\r\nHost: other\r\n\r\n'
    const client = connect().send(`${other}HEAD${other.slice(3)}${get('/here')}${other}`)
    ;(await linker.next()).respond('here')
    const answers = await client.answered(4)
    expect(answers.map(({ status }) => status)).toEqual([404, 404, 200, 404])
  })
})

describe('a response before the end of the request', () => {
  it('ends a chunked upload; what comes of it then is no request', async () => {
    const linker = await stage.edge.linker({ slots: 2 })
    const client = connect().send(`${chunked('/')}4\r\nsome\r\n`)
    const request = await linker.next()
    await poll(() => request.bodyBytes).toBe(4)
    request.respond('enough', '413 Content Too Large')
    await poll(() => client.answers()[0]?.isComplete).toBe(true)
    client.send(`0\r\n\r\n${get('/smuggled')}`)
    await client.ended()
    client.finish()
    await poll(() => stage.edge.edge.status().connections).toBe(0)
    expect(client.answers()).toMatchObject([{ status: 413, body: 'enough', keepAlive: false }])
    expect(client.end).toBe('fin')
    expect(linker.requests).toHaveLength(1)
  })

  it('reaches a client that does not stop sending; then the connection is cut', async () => {
    const linker = await stage.edge.linker({ takesBodies: false })
    const client = connect().send('POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 100000000\r\n\r\nx')
    const request = await linker.next()
    request.respond('enough', '413 Content Too Large')
    await poll(() => client.answers()[0]?.isComplete).toBe(true)
    const piece = Buffer.alloc(64 * 1024, 'x')
    const sending = setInterval(() => client.socket.writable && client.send(piece), 2)
    // 256 KiB, not 10 s.
    const since = performance.now()
    await poll(() => stage.edge.edge.status().connections).toBe(0)
    clearInterval(sending)
    expect(performance.now() - since).toBeLessThan(5_000)
    expect(client.answers()).toMatchObject([{ status: 413, body: 'enough' }])
  })

  it('may stream while the upload does, and says that the connection ends', async () => {
    const linker = await stage.edge.linker()
    const client = connect().send('POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 3\r\n\r\n')
    const request = await linker.next()
    request.sendHead(`${HEAD}\r\n`)
    for (const letter of 'abc') {
      client.send(letter)
      await poll(() => request.body.toString()).toMatch(new RegExp(`${letter}$`))
      request.write(letter)
      await poll(() => client.answers()[0]?.body).toMatch(new RegExp(`${letter}$`))
    }
    await poll(() => request.ended).toBe(true)
    request.finish()
    await client.ended()
    expect(client.answers()).toMatchObject([{ body: 'abc', keepAlive: false, isComplete: true }])
    expect(client.end).toBe('fin')
    // The upload was complete: nothing had to be stopped.
    expect(request.resetCode).toBe(null)
  })

  it('to a 1.0 client ends with the connection like any other', async () => {
    const linker = await stage.edge.linker()
    const client = connect().send(
      'POST / HTTP/1.0\r\nHost: shop\r\nConnection: keep-alive\r\nContent-Length: 9\r\n\r\nsome',
    )
    const request = await linker.next()
    request.sendHead(`${HEAD}\r\n`)
    request.write('early')
    request.finish()
    await client.ended()
    expect(client.answers()).toMatchObject([{ body: 'early', isComplete: true, keepAlive: false }])
    expect(client.end).toBe('fin')
  })

  it('is not what an interim one is: the connection stays', async () => {
    const linker = await stage.edge.linker()
    const client = connect().send('POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 4\r\n\r\nso')
    const request = await linker.next()
    request.interim('HTTP/1.1 103 Early Hints\r\nLink: <a>\r\n\r\n')
    await client.until('103 Early Hints')
    client.send('me')
    await poll(() => request.ended).toBe(true)
    request.respond('done')
    await client.answered(1)
    client.send(get('/next'))
    ;(await linker.next()).respond('next')
    expect(await client.answered(2)).toMatchObject([
      { interim: [103], body: 'done' },
      { interim: [], body: 'next' },
    ])
  })

  it('of the edge itself ends the connection too, and the client can read why', async () => {
    const linker = await stage.edge.linker()
    const client = connect().send('POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 99\r\n\r\nsome')
    ;(await linker.next()).reset(RESET.APP_CLOSED)
    await client.ended()
    expect(client.answers()).toMatchObject([{ status: 502, keepAlive: false, isComplete: true }])
    expect(client.end).toBe('fin')
  })
})

describe('a body that is malformed', () => {
  it.each([
    ['a chunk size', 'x\r\n'],
    ['what follows a chunk', '1\r\na\n'],
    ['an extension', '1;=\r\na\r\n'],
    ['a trailer', '0\r\nHost: evil\r\n\r\n'],
    ['a size that is too large', '111111111111111\r\n'],
  ])('in %s is 400 when its last byte has come, and RESET at the instance', async (_, body) => {
    const linker = await stage.edge.linker({ slots: 2 })
    const client = connect().send(chunked('/'))
    const request = await linker.next()
    for (const byte of body) {
      client.send(byte)
      await new Promise((resolve) => setImmediate(resolve))
    }
    client.send(get('/smuggled'))
    await client.ended()
    expect(client.answers()).toMatchObject([{ status: 400, keepAlive: false }])
    await poll(() => request.resetCode).toBe(RESET.CANCELLED)
    expect([request.ended, linker.requests.length]).toEqual([false, 1])
  })
})

describe('Expect: 100-continue', () => {
  const EXPECT = 'Expect: 100-continue\r\n'

  it('without a body asks for nothing, and nothing is said', async () => {
    const linker = await stage.edge.linker()
    for (const fields of [EXPECT, `${EXPECT}Content-Length: 0\r\n`]) {
      const client = connect().send(get('/', fields))
      const request = await linker.next()
      expect(request.head).not.toMatch(/expect/i)
      request.respond('ok')
      expect(await client.answered(1)).toMatchObject([{ status: 200, interim: [] }])
    }
  })

  it('of a chunked body is answered once, and the body comes whole', async () => {
    const linker = await stage.edge.linker()
    const client = connect().send(chunked('/', EXPECT))
    await client.until('100 Continue\r\n\r\n')
    client.send('2\r\nhi\r\n0\r\n\r\n')
    const request = await linker.next()
    await poll(() => request.ended).toBe(true)
    request.interim('HTTP/1.1 100 Continue\r\n\r\n')
    request.respond(request.body.toString())
    expect(await client.answered(1)).toMatchObject([{ interim: [100], body: 'hi', keepAlive: true }])
  })

  it('that nobody came to serve gets the final answer alone, and no body is waited for', async () => {
    await stage.restart({ defaults: { holdMs: 50 } })
    const client = connect().send(post('/', 'hello', EXPECT).slice(0, -5))
    await client.ended()
    expect(client.answers()).toMatchObject([{ status: 504, interim: [], keepAlive: false, isComplete: true }])
    expect(client.end).toBe('fin')
  })

  it('that the application declines after all ends the connection', async () => {
    const linker = await stage.edge.linker()
    const client = connect().send(post('/', 'hello', EXPECT).slice(0, -5))
    ;(await linker.next()).respond('no', '417 Expectation Failed')
    await client.ended()
    expect(client.answers()).toMatchObject([{ status: 417, interim: [100], body: 'no', keepAlive: false }])
  })

  it('pipelined is answered in its turn', async () => {
    const linker = await stage.edge.linker()
    const client = connect().send(`${get('/first')}${post('/second', 'hi', EXPECT).slice(0, -2)}`)
    const first = await linker.next()
    expect(client.text).toBe('')
    first.respond('first')
    await client.until('100 Continue')
    client.send('hi')
    ;(await linker.next()).respond('second')
    expect(await client.answered(2)).toMatchObject([
      { body: 'first', interim: [] },
      { body: 'second', interim: [100] },
    ])
  })
})

describe('a FIN', () => {
  it.each(['', 'G', 'GET / HTTP/1.1\r\nHost: sh', `${get('/').slice(0, -2)}`])(
    'after %j ends the connection in silence',
    async (bytes) => {
      const client = connect()
      if (bytes !== '') client.send(bytes)
      client.finish()
      expect(await client.ended()).toBe('')
      await poll(() => stage.edge.edge.status().connections).toBe(0)
    },
  )

  it('behind two requests is the end of the first, and the second is none', async () => {
    const linker = await stage.edge.linker({ slots: 2 })
    connect()
      .send(`${get('/1')}${get('/2')}`)
      .finish()
    const request = await linker.next()
    await poll(() => request.resetCode).toBe(RESET.CANCELLED)
    await poll(() => stage.edge.edge.status().connections).toBe(0)
    expect(linker.requests).toHaveLength(1)
  })

  it('behind a response is answered by one', async () => {
    const linker = await stage.edge.linker()
    const client = connect().send(get('/'))
    ;(await linker.next()).respond('ok')
    await client.answered(1)
    client.finish()
    await client.ended()
    expect(client.end).toBe('fin')
    expect(client.answers()).toMatchObject([{ body: 'ok', isComplete: true }])
    await poll(() => stage.edge.edge.status().connections).toBe(0)
  })

  it('in a chunk resets the request: it is not complete', async () => {
    const linker = await stage.edge.linker()
    const client = connect().send(`${chunked('/')}5\r\nhel`)
    const request = await linker.next()
    await poll(() => request.bodyBytes).toBe(3)
    client.finish()
    await poll(() => request.resetCode).toBe(RESET.CANCELLED)
    expect(request.ended).toBe(false)
  })

  it('of a held request that expects 100 drops it', async () => {
    const client = connect().send(post('/', 'x', 'Expect: 100-continue\r\n').slice(0, -1))
    await stage.edge.untilHeld(1)
    client.finish()
    await stage.edge.untilHeld(0)
    expect(client.text).toBe('')
  })
})
