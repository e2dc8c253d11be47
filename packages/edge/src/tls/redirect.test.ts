import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TestEdge } from '../edge.testkit.ts'
import { eventually } from '../eventually.testkit.ts'
import { secureLocation } from './redirect.ts'
import { TestCa } from './test-ca.testkit.ts'

const ca = new TestCa()
const { cert, key } = ca.sign(['shop'])
afterAll(() => ca.remove())

let edge: TestEdge
/** Of the listener with TLS. */
let port: number
beforeEach(async () => {
  const certs = [{ cert: `${ca.directory}/${cert}`, key: `${ca.directory}/${key}` }]
  edge = await TestEdge.start({
    hosts: ['shop'],
    listen: [
      { bind: '127.0.0.1:0', redirect: 'https' },
      { bind: '127.0.0.1:0' },
      { bind: '127.0.0.1:0', tls: { certs } },
      { bind: '127.0.0.1:0', tls: { certs } },
    ],
    timeouts: { headMs: 300, keepAliveMs: 300 },
  })
  const [listening] = edge.of('listening')
  port = Number(listening.clients[2].split(':').pop())
})
afterEach(() => edge.close())

describe('the place with TLS', () => {
  it.each([
    ['shop', 443, '/a?b=c', 'https://shop/a?b=c'],
    ['shop', 8443, '/', 'https://shop:8443/'],
    ['[::1]', 8443, '/x', 'https://[::1]:8443/x'],
    ['shop', 443, '*', 'https://shop/'],
  ])('of %s at port %d for %s is %s', (host, to, target, location) => {
    expect(secureLocation(host, to, target)).toBe(location)
  })
})

describe('a listener with a redirect', () => {
  it('answers 308 with the address at the first listener that has TLS, and asks no app', async () => {
    const text = await edge.client().get('/a%20b/..?c=d', '', 'Shop.:80').ended()
    expect(text).toMatch(/^HTTP\/1.1 308 Permanent Redirect\r\n/)
    expect(text).toContain(`\r\nLocation: https://shop:${port}/a%20b/..?c=d\r\n`)
    expect(text).toMatch(/\r\nDate: \w+, .* GMT\r\n/)
    expect(text).toMatch(/\r\nContent-Length: 0\r\nConnection: close\r\n\r\n$/)
    expect(edge.edge.status().apps).toEqual([])
    expect(edge.of('request')).toEqual([])
  })

  it('answers each method, whatever its body, and any host', async () => {
    const upload = edge
      .client()
      .send('POST /form HTTP/1.1\r\nHost: other\r\nContent-Length: 100000\r\n\r\n')
      .send('x'.repeat(1000))
    expect(await upload.ended()).toContain(`Location: https://other:${port}/form\r\n`)
    const head = edge.client().send('HEAD http://shop/x HTTP/1.1\r\nHost: shop\r\n\r\n')
    expect(await head.ended()).toContain(`Location: https://shop:${port}/x\r\n`)
    const options = edge.client().send('OPTIONS * HTTP/1.1\r\nHost: shop\r\n\r\n')
    expect(await options.ended()).toContain(`Location: https://shop:${port}/\r\n`)
  })

  it('cuts a client that goes on and on after its answer', async () => {
    const upload = edge.client().send('POST / HTTP/1.1\r\nHost: shop\r\nContent-Length: 9999999\r\n\r\n')
    await upload.ended()
    upload.send(Buffer.alloc(300 * 1024))
    await eventually('no connection', () => edge.edge.status().connections === 0)
  })

  it('answers one request of several', async () => {
    const text = await edge.client().get().get().ended()
    expect(text.match(/HTTP\/1.1/g)).toEqual(['HTTP/1.1'])
  })

  it('reads a head that comes in pieces, and refuses what is no request', async () => {
    const pieces = edge.client()
    for (const byte of 'GET /slow HTTP/1.1\r\nHost: shop\r\n\r\n') {
      pieces.send(byte)
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(await pieces.ended()).toContain(`Location: https://shop:${port}/slow\r\n`)
    const bad = await edge.client().send('GET / HTTP/1.1\r\nHost: a b\r\n\r\n').ended()
    expect(bad).toMatch(/^HTTP\/1.1 400 Bad Request[\s\S]*"http1\/bad-host"/)
    const hostless = await edge.client().send('GET / HTTP/1.0\r\n\r\n').ended()
    expect(hostless).toMatch(/^HTTP\/1.1 400 [\s\S]*"http1\/missing-host"/)
    const injected = await edge.client().send('GET /\rx HTTP/1.1\r\nHost: shop\r\n\r\n').ended()
    expect(injected).toMatch(/^HTTP\/1.1 400 /)
  })

  it('waits no longer than it does for any head', async () => {
    const [silent, slow] = [edge.client(), edge.client().send('GET / HT')]
    expect(await silent.ended()).toBe('')
    expect(await slow.ended()).toMatch(/^HTTP\/1.1 408 [\s\S]*edge\/head-timeout/)
    for (const client of [silent, slow]) client.close()
    await eventually('no connection', () => edge.edge.status().connections === 0)
  })

  it('closes idle connections when the edge drains', async () => {
    const idle = edge.client()
    await eventually('the connection', () => edge.edge.status().connections === 1)
    await edge.edge.stop()
    expect(await idle.ended()).toBe('')
  })
})
