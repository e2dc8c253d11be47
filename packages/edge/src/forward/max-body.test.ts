import { RESET } from '@brxy/protocol'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TestEdge } from '../edge.testkit.ts'
import { poll } from '../eventually.testkit.ts'

const TOO_LARGE = /^HTTP\/1\.1 413 [\s\S]*details="edge\/body-too-large"[\s\S]*Connection: close\r\n/
const CHUNKED = 'POST / HTTP/1.1\r\nHost: shop\r\nTransfer-Encoding: chunked\r\n\r\n'

let edge: TestEdge
beforeEach(async () => {
  edge = await TestEdge.start({ defaults: { maxBodyBytes: 10 } })
})
afterEach(() => edge.close())

const post = (length: number, fields = '') =>
  `POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: ${length}\r\n${fields}\r\n`

describe('a request body', () => {
  it('as large as it may be passes, of known length and chunked', async () => {
    const linker = await edge.linker()
    for (const text of [`${post(10)}0123456789`, `${CHUNKED}a\r\n0123456789\r\n0\r\n\r\n`]) {
      const client = edge.client().send(text)
      const request = await linker.next()
      await poll(() => request.body.toString()).toBe('0123456789')
      request.respond('ok')
      await client.until('ok')
    }
  })

  it('that is said to be larger is answered 413, before anybody is asked for it or sends it', async () => {
    const client = edge.client().send(post(11, 'Expect: 100-continue\r\n'))
    expect(await client.ended()).toMatch(TOO_LARGE)
    expect(client.text).not.toContain('100 Continue')
    expect(edge.edge.status().apps[0].held.count).toBe(0)
  })

  it('that proves to be larger is answered 413 while it is held', async () => {
    const client = edge.client().send(`${CHUNKED}a\r\n0123456789\r\n`)
    await edge.untilHeld(1)
    client.send('1\r\nx\r\n')
    expect(await client.ended()).toMatch(TOO_LARGE)
    await edge.untilHeld(0)
  })

  it('that proves to be larger is answered 413, and the request reset at the instance', async () => {
    const linker = await edge.linker()
    const client = edge.client().send(`${CHUNKED}a\r\n0123456789\r\n`)
    const request = await linker.next()
    client.send('1\r\nx\r\n')
    expect(await client.ended()).toMatch(TOO_LARGE)
    await poll(() => request.resetCode).toBe(RESET.CANCELLED)
    expect(request.body.toString()).toBe('0123456789')
    await poll(() => edge.of('request')).toMatchObject([{ status: 413, error: 'edge/body-too-large' }])
  })

  it('that proves to be larger when its response has begun ends the connection', async () => {
    const linker = await edge.linker()
    const client = edge.client().send(`${CHUNKED}a\r\n0123456789\r\n`)
    const request = await linker.next()
    request.sendHead('HTTP/1.1 200 OK\r\n\r\n')
    await client.until('200 OK')
    client.send('1\r\nx\r\n')
    await client.ended()
    expect(client.text).not.toContain('\r\n0\r\n')
  })
})
