import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { TestEdge } from '../edge.testkit.ts'
import type { ScriptedLinker } from '../linker.testkit.ts'
import { WireClient } from './wire.testkit.ts'

let edge: TestEdge
let linker: ScriptedLinker
let client: WireClient
beforeEach(async () => {
  edge = await TestEdge.start({ hosts: ['shop'] })
  linker = await edge.linker()
  client = new WireClient(edge.port)
})
afterEach(async () => {
  client.close()
  await edge.close()
  // Whatever was received is HTTP.
  client.answers()
})

const options = (fields: string, target = '/', host = 'shop') =>
  `OPTIONS ${target} HTTP/1.1\r\nHost: ${host}\r\n${fields}\r\n`

/** The Max-Forwards lines that the application gets. */
async function forwarded(request: string): Promise<string[]> {
  client.send(request)
  const seen = await linker.next()
  seen.respond('ok')
  await client.until('ok')
  return seen.head.split('\r\n').filter((line) => /^max-forwards:/i.test(line))
}

describe('OPTIONS with Max-Forwards', () => {
  it.each(['/', '/a?b', '*'])('0 for %s ends here: 200, and the connection goes on', async (target) => {
    client.send(options('Max-Forwards: 0\r\n', target))
    const answer = await client.until('\r\n\r\n')
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(answer).toMatch(/\r\nContent-Length: 0\r\n/)
    expect(answer).not.toMatch(/\r\n(connection|proxy-status|allow):/i)
    expect(linker.requests).toEqual([])
    expect(await forwarded(options('', target))).toEqual([])
  })

  it('0 wakes nobody, and is no answer where there is no app', async () => {
    client.send(options('Max-Forwards: 0\r\n', '/', 'other'))
    expect(await client.until('}')).toMatch(/^HTTP\/1\.1 404 /)
    client.send(options('Max-Forwards: 000\r\n'))
    expect(await client.until('\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 /)
    expect(edge.of('request')).toEqual([])
  })

  it('0 and a body is the last request of its connection, whatever the body says', async () => {
    client.send(options('Max-Forwards: 0\r\nContent-Length: 40\r\n'))
    client.send(options('Max-Forwards: 0\r\n'))
    const answer = await client.ended()
    expect(answer.match(/HTTP\/1\.1 /g)).toHaveLength(1)
    expect(answer).toMatch(/^HTTP\/1\.1 200 OK\r\n.*\r\nConnection: close\r\n/s)
  })

  it.each([
    ['1', '0'],
    ['007', '6'],
    ['10', '9'],
    ['2147483648', '2147483647'],
    ['9'.repeat(400), '2147483647'],
  ])('%s goes on as %s', async (hops, left) => {
    expect(await forwarded(options(`mAX-forwards: ${hops}\r\n`))).toEqual([`Max-Forwards: ${left}`])
  })

  it.each(['', '-1', '+1', '1.0', '0x1', '1, 2', 'many'])('%j is malformed', async (value) => {
    client.send(options(`Max-Forwards: ${value}\r\n`))
    const answer = await client.ended()
    expect(answer).toMatch(/^HTTP\/1\.1 400 .*"code":"edge\/bad-max-forwards"/s)
  })

  it('said twice is malformed', async () => {
    client.send(options('Max-Forwards: 1\r\nMax-Forwards: 1\r\n'))
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 400 /)
    expect(linker.requests).toEqual([])
  })
})

describe('Max-Forwards of another method', () => {
  it.each(['0', '5', 'many'])('%s goes on as it is', async (value) => {
    const request = `GET / HTTP/1.1\r\nHost: shop\r\nMax-Forwards: ${value}\r\n\r\n`
    expect(await forwarded(request)).toEqual([`Max-Forwards: ${value}`])
  })
})
