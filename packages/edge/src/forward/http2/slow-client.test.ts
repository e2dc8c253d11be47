import { RESET } from '@brxy/protocol'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { TestEdge } from '../../edge.testkit.ts'
import { poll } from '../../eventually.testkit.ts'
import { pass, stopTime } from '../../passing-time.testkit.ts'
import { Http2Client } from './http2.testkit.ts'

/*
 * What ../slow-client.test.ts has of HTTP/1 in full, as a stream of HTTP/2 sees it: it ends, and the others go on.
 */

// Minutes pass in steps, with real sockets.
vi.setConfig({ testTimeout: 30_000 })

const MIB = 1024 * 1024
const HEAD = 'HTTP/1.1 200 OK\r\n\r\n'

let edge: TestEdge
let client: Http2Client
beforeEach(async () => {
  stopTime()
  edge = await TestEdge.start()
  client = new Http2Client(edge.port)
})
afterEach(async () => {
  vi.useRealTimers()
  client.close()
  await edge.close()
})

describe('a slow stream', () => {
  it('whose body does not come is answered 408', async () => {
    const linker = await edge.linker()
    const call = client.post()
    call.stream.write('hello')
    const request = await linker.next()
    await poll(() => request.bodyBytes).toBe(5)
    await pass(29_000)
    expect(call.fields).toEqual({})
    await pass(2_000)
    await poll(() => call.fields[':status']).toBe(408)
    await poll(() => request.resetCode).toBe(RESET.CANCELLED)
    expect(edge.of('request')).toMatchObject([{ status: 408, error: 'edge/body-timeout' }])
  })

  it('may be one side of a conversation, once it is answered', async () => {
    const linker = await edge.linker()
    const call = client.post()
    call.stream.write('hi')
    const request = await linker.next()
    request.sendHead(HEAD)
    request.write('hello')
    await poll(() => call.receivedBytes).toBe(5)
    await pass(200_000)
    call.stream.end('bye')
    await poll(() => request.ended).toBe(true)
    request.finish()
    await poll(() => call.isEnded).toBe(true)
  })

  it('of which nothing is taken is reset, and the others go on', async () => {
    const linker = await edge.linker({ slots: 2 })
    const stuck = client.ask()
    stuck.stream.pause()
    const request = await linker.next()
    request.sendHead(HEAD)
    request.write(Buffer.alloc(4 * MIB))
    await pass(59_000)
    expect(request.resetCode).toBe(null)
    const other = client.ask()
    ;(await linker.next()).respond('other')
    await poll(() => other.isEnded).toBe(true)
    await pass(17_000)
    await poll(() => request.resetCode).toBe(RESET.CANCELLED)
    expect(edge.of('request').at(-1)).toMatchObject({ status: 200, error: 'client stuck' })
    expect(client.session.destroyed).toBe(false)
  })

  it('on which nothing moves is reset', async () => {
    const linker = await edge.linker()
    const call = client.ask()
    const request = await linker.next()
    request.sendHead(HEAD)
    request.write('data: 1\n\n')
    await poll(() => call.receivedBytes).toBe(9)
    await pass(290_000)
    expect(call.isClosed).toBe(false)
    await pass(11_000)
    await poll(() => call.isClosed).toBe(true)
    await poll(() => request.resetCode).toBe(RESET.TIMEOUT)
    expect(call.isEnded).toBe(false)
  })
})
