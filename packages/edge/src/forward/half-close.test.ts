import { RESET } from '@brxy/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TestEdge } from '../edge.testkit.ts'
import { poll } from '../eventually.testkit.ts'

const POST = 'POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 5\r\n\r\n'

let edge: TestEdge
beforeEach(async () => {
  edge = await TestEdge.start({ defaults: { halfClose: 'serve' } })
})
afterEach(() => edge.close())

describe('with halfClose: serve, a client that sends FIN', () => {
  it('behind a whole request gets its response, which ends the connection', async () => {
    const linker = await edge.linker()
    const client = edge.client().send(`${POST}hello`).finish()
    const request = await linker.next()
    await poll(() => request.ended).toBe(true)
    request.respond('served')
    expect(await client.ended()).toMatch(/^HTTP\/1.1 200 [\s\S]*\r\nConnection: close\r\n[\s\S]*served$/)
    await poll(() => edge.edge.status().connections).toBe(0)
    expect([request.resetCode, client.end]).toEqual([null, 'fin'])
  })

  it('while its response runs gets the rest of it', async () => {
    const linker = await edge.linker()
    const client = edge.client().get()
    const request = await linker.next()
    request.sendHead('HTTP/1.1 200 OK\r\n\r\n')
    request.write('first')
    await client.until('first')
    client.finish()
    await new Promise((resolve) => setImmediate(resolve))
    request.write('second')
    request.finish()
    expect(await client.ended()).toMatch(/second\r\n0\r\n\r\n$/)
    await poll(() => edge.edge.status().connections).toBe(0)
  })

  it('while its request is held is held', async () => {
    const client = edge.client().get().finish()
    await edge.untilHeld(1)
    ;(await (await edge.linker()).next()).respond('served')
    expect(await client.ended()).toMatch(/served$/)
  })

  it('behind several requests gets all of their responses', async () => {
    const linker = await edge.linker()
    const client = edge.client().get('/1').get('/2').get('/3').finish()
    for (const body of ['one', 'two', 'three']) (await linker.next()).respond(body)
    const text = await client.ended()
    expect(text).toMatch(/one[\s\S]*two[\s\S]*three$/)
    expect(text.match(/Connection: close/g)).toHaveLength(1)
    await poll(() => edge.edge.status().connections).toBe(0)
  })

  it('behind a request and a part of another gets the response of the first', async () => {
    const linker = await edge.linker()
    const client = edge.client().get('/1').send('GET /2 HTTP/1.1\r\nHo').finish()
    ;(await linker.next()).respond('one')
    expect(await client.ended()).toMatch(/one$/)
    await poll(() => edge.edge.status().connections).toBe(0)
    expect(linker.requests).toHaveLength(1)
  })

  it('in the middle of its request has left', async () => {
    const linker = await edge.linker()
    edge.client().send(`${POST}hel`).finish()
    const request = await linker.next()
    await poll(() => request.resetCode).toBe(RESET.CANCELLED)
  })

  it('because it has left is found out by the response', async () => {
    const linker = await edge.linker()
    const client = edge.client().get()
    const request = await linker.next()
    client.close()
    await poll(() => client.socket.closed).toBe(true)
    request.sendHead('HTTP/1.1 200 OK\r\n\r\n')
    await poll(() => request.resetCode ?? request.write('x')).toBe(RESET.CANCELLED)
  })
})
