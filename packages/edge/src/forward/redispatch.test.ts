import { REFUSE, RESET } from '@brxy/protocol'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { TestEdge } from '../edge.testkit.ts'
import { eventually, poll } from '../eventually.testkit.ts'

vi.setConfig({ testTimeout: 30_000 })

let edge: TestEdge
beforeEach(async () => {
  // What waits for a linker to come back is in lost-session.test.ts.
  edge = await TestEdge.start({ timeouts: { lostSessionMs: 0 } })
})
afterEach(() => edge.close())

const POST = 'POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 10\r\n\r\n'

describe('a refused request', () => {
  it('goes to another instance, and the client notices nothing', async () => {
    const older = await edge.linker()
    const newer = await edge.linker({ grants: 2 })
    const client = edge.client().get()
    ;(await newer.next()).refuse(REFUSE.NO_SLOT)
    ;(await older.next()).respond('from the older')
    expect(await client.until('from the older')).toMatch(/^HTTP\/1.1 200 /)
    expect(newer.requests).toHaveLength(1)
  })

  it('goes to the same instance if there is no other', async () => {
    const linker = await edge.linker({ grants: 2 })
    const client = edge.client().get()
    ;(await linker.next()).refuse(REFUSE.NO_SLOT)
    ;(await linker.next()).respond('second try')
    await client.until('second try')
  })

  it('keeps its place in the queue', async () => {
    const linker = await edge.linker()
    edge.client().get('/1')
    const first = await linker.next()
    edge.client().get('/2')
    await edge.untilHeld(1)
    first.refuse(REFUSE.NO_SLOT)
    await edge.untilHeld(2)
    linker.grant()
    expect((await linker.next()).head).toMatch(/^GET \/1 /)
  })

  it('brings its body along, and what comes of it later', async () => {
    const first = await edge.linker()
    const client = edge.client().send(POST).send('01234')
    const refused = await first.next()
    await poll(() => refused.bodyBytes).toBe(5)
    const second = await edge.linker()
    refused.refuse(REFUSE.INSTANCE)
    const request = await second.next()
    client.send('56789')
    await poll(() => request.body.toString()).toBe('0123456789')
    request.respond('ok')
    await client.until('ok')
  })

  it('is read on if its client had been made to wait, so that it is known when that leaves', async () => {
    await edge.close()
    edge = await TestEdge.start({ limits: { heldBodyBytes: 1024 * 1024 } })
    const linker = await edge.linker({ takesBodies: false })
    const client = edge.client()
    client.send(POST.replace('10', String(10 * 1024 * 1024))).send(Buffer.alloc(300_000))
    const request = await linker.next()
    // The window is full.
    await poll(() => request.bodyBytes).toBe(64 * 1024)
    request.refuse(REFUSE.NO_SLOT)
    await edge.untilHeld(1)
    client.finish()
    await edge.untilHeld(0)
    await poll(() => edge.of('request')[0]?.error).toBe('client gone')
  })

  it('goes nowhere when the edge stops, unless a grant is at hand', async () => {
    await edge.close()
    edge = await TestEdge.start({ timeouts: { drainMs: 20_000 } })
    const linkers = [await edge.linker(), await edge.linker({ slots: 2 })]
    const clients = [edge.client().get('/1'), edge.client().get('/2')]
    const requests = [await linkers[1].next(), await linkers[1].next()]
    const stopping = edge.edge.stop()
    await eventually('the drain', () => edge.of('draining').length === 1)
    for (const request of requests) request.refuse(REFUSE.NO_SLOT)
    expect(await clients[1].until('edge/draining')).toMatch(/^HTTP\/1.1 503 /)
    ;(await linkers[0].next()).respond('served')
    await clients[0].until('served')
    await stopping
  })

  it('may be refused as often as there is time', async () => {
    await edge.close()
    edge = await TestEdge.start({ defaults: { holdMs: 300 } })
    const linker = await edge.linker()
    const client = edge.client().get()
    for (let answered = 0; client.text === ''; ) {
      if (linker.requests.length > answered) {
        linker.requests[answered++].refuse(REFUSE.NO_SLOT)
        linker.grant()
      }
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(client.text).toMatch(/^HTTP\/1.1 504 /)
    expect(linker.requests.length).toBeGreaterThan(1)
  })
})

describe('when the tunnel is lost before the response began', () => {
  it('a GET goes to another instance', async () => {
    const older = await edge.linker()
    const newer = await edge.linker()
    const client = edge.client().get()
    await newer.next()
    newer.cut()
    ;(await older.next()).respond('from the older')
    await client.until('from the older')
  })

  it('a GET does not go to the grants that the dead instance had left', async () => {
    const linker = await edge.linker({ slots: 4 })
    edge.client().get()
    await linker.next()
    linker.cut()
    await edge.untilHeld(1)
    const successor = await edge.linker()
    expect((await successor.next()).head).toMatch(/^GET /)
  })

  it('a GET goes to another instance once, lest it kills them all', async () => {
    const linkers = [await edge.linker(), await edge.linker(), await edge.linker()]
    const client = edge.client().get()
    await linkers[2].next()
    linkers[2].cut()
    await linkers[1].next()
    linkers[1].cut()
    expect(await client.until('tunnel-lost')).toMatch(/^HTTP\/1.1 502 [\s\S]*error=connection_terminated/)
    expect(linkers[0].requests).toHaveLength(0)
  })

  it('a GET that has had an interim head is answered 502, for the application has begun', async () => {
    const linkers = [await edge.linker(), await edge.linker()]
    const client = edge.client().get()
    const request = await linkers[1].next()
    request.interim('HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n')
    await client.until('103')
    linkers[1].cut()
    expect(await client.until('tunnel-lost')).toMatch(/^HTTP\/1.1 502 /)
    expect(linkers[0].requests).toHaveLength(0)
  })

  it('a GET with a body brings it along', async () => {
    const linkers = [await edge.linker(), await edge.linker()]
    const client = edge.client().send(POST.replace('POST', 'GET')).send('01234')
    const lost = await linkers[1].next()
    await poll(() => lost.bodyBytes).toBe(5)
    linkers[1].cut()
    const request = await linkers[0].next()
    client.send('56789')
    await poll(() => request.body.toString()).toBe('0123456789')
    request.respond('ok')
    await client.until('ok')
  })

  it('a GET whose client leaves meanwhile is nobody’s', async () => {
    const linker = await edge.linker()
    const client = edge.client().send(POST.replace('POST', 'GET')).send('01')
    await linker.next()
    linker.cut()
    await edge.untilHeld(1)
    client.finish()
    await edge.untilHeld(0)
    expect((await edge.linker()).requests).toHaveLength(0)
  })

  it('a POST is answered 502, and the connection is kept, for its body was read', async () => {
    const linker = await edge.linker()
    const client = edge.client().send('POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 2\r\n\r\nok')
    await linker.next()
    linker.cut()
    expect(await client.until('tunnel-lost')).toMatch(/^HTTP\/1.1 502 (?![\s\S]*\r\nConnection: close)/)
    client.get()
    ;(await (await edge.linker()).next()).respond('next')
    await client.until('next')
  })

  it('a request whose body is still coming is answered and its connection closed', async () => {
    const linker = await edge.linker()
    const client = edge.client().send(POST).send('01')
    await linker.next()
    linker.cut()
    expect(await client.ended()).toMatch(/^HTTP\/1.1 502 [\s\S]*\r\nConnection: close\r\n/)
    expect(client.end).toBe('fin')
  })
})

describe('a reset before the response head', () => {
  it.each([
    [RESET.APP_CLOSED, 502, 'connection_terminated', 'edge/app-closed'],
    [RESET.APP_PROTOCOL, 502, 'http_protocol_error', 'edge/app-protocol'],
    [RESET.BODY_LENGTH, 502, 'http_response_incomplete', 'edge/app-incomplete'],
    [RESET.TIMEOUT, 504, 'http_response_timeout', 'edge/response-timeout'],
    [RESET.INTERNAL, 502, 'connection_terminated', 'edge/app-closed'],
  ])('with code %d is answered %d', async (code, status, token, details) => {
    const linker = await edge.linker()
    const client = edge.client().get()
    ;(await linker.next()).reset(code)
    const answer = await client.until(details)
    expect(answer).toMatch(new RegExp(`^HTTP/1.1 ${status} `))
    expect(answer).toContain(`Proxy-Status: brxy; error=${token}; details="${details}"`)
  })
})
