import { Duplex } from 'node:stream'
import { connect } from 'node:tls'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import type { RawClient } from '../client.testkit.ts'
import { TestEdge } from '../edge.testkit.ts'
import { eventually, within } from '../eventually.testkit.ts'
import type { ScriptedRequest } from '../linker.testkit.ts'
import { TestCa, type TestCertificate } from '../tls/test-ca.testkit.ts'

vi.setConfig({ testTimeout: 30_000 }) // many handshakes, on a machine that may be busy

const V2 = Buffer.from(
  '0d0a0d0a000d0a515549540a2121002820010db800000000000000000000000120010db8000000000000000000000002dc0401bb04000100',
  'hex',
)
const REQUEST = 'GET / HTTP/1.1\r\nHost: shop\r\nX-Forwarded-For: 6.6.6.6\r\n\r\n'

let edge: TestEdge
afterEach(() => edge.close())

describe('a listener with TLS and proxyProtocol', () => {
  let ca: TestCa
  let shop: TestCertificate
  beforeAll(() => {
    ca = new TestCa()
    shop = absolute(ca, ca.sign(['shop']))
  })
  afterAll(() => ca.remove())

  async function start(): Promise<void> {
    const listen = [{ bind: '127.0.0.1:0', proxyProtocol: true, tls: { certs: [shop] } }]
    edge = await TestEdge.start({ trustedProxies: ['127.0.0.1'], listen })
  }

  /** @param at where the first bytes, header and ClientHello, are cut in two */
  async function handshake(header: Buffer, at: number): Promise<ScriptedRequest> {
    const linker = await edge.linker()
    const raw = edge.client()
    const socket = connect({ socket: new Prefixed(raw, header, at), ca: ca.ca, servername: 'shop' })
    const failed = new Promise<never>((_, reject) => socket.on('error', reject))
    socket.write(REQUEST)
    const request = await Promise.race([linker.next(), failed])
    request.respond('ok')
    const answer = new Promise((resolve) => socket.once('data', resolve))
    expect(`${await within('the answer', answer)}`).toMatch(/^HTTP\/1\.1 200 /)
    socket.destroy()
    raw.close()
    await linker.leave()
    return request
  }

  it('finds the header before the handshake, however the first bytes come', async () => {
    await start()
    // At every byte of the header, and of the beginning of the handshake behind it.
    const cuts = Array.from({ length: V2.length + 7 }, (_, at) => at)
    for (const at of [...cuts, Number.POSITIVE_INFINITY]) {
      const request = await handshake(V2, at)
      expect([at, /^x-forwarded-for: (.*)\r$/im.exec(request.head)?.[1]]).toEqual([at, '2001:db8::1'])
      expect(request.head).toMatch(/^x-forwarded-proto: https\r$/im)
    }
  })

  it('closes a connection that begins with the handshake, or of somebody else', async () => {
    await start()
    await expect(handshake(Buffer.alloc(0), 0)).rejects.toMatchObject({ code: 'ECONNRESET' })
    const refused = await eventually('the event', () => edge.of('connection-refused')[0])
    expect(refused).toMatchObject({ code: 'edge/bad-proxy-header' })
  })
})

function absolute(ca: TestCa, { cert, key }: TestCertificate): TestCertificate {
  return { cert: `${ca.directory}/${cert}`, key: `${ca.directory}/${key}` }
}

/** A connection whose first bytes are a header; those and what is written first go out in two pieces. */
class Prefixed extends Duplex {
  readonly #client: RawClient
  #header: Buffer
  readonly #at: number

  constructor(client: RawClient, header: Buffer, at: number) {
    super()
    this.#client = client
    this.#header = header
    this.#at = at
    client.socket.on('data', (data) => this.push(data))
    client.socket.on('end', () => this.push(null))
    client.socket.on('error', (error) => this.destroy(error))
    client.socket.on('close', () => this.destroy())
  }

  override _read(): void {}

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const first = Buffer.concat([this.#header, chunk])
    const at = this.#header.length === 0 ? first.length : Math.min(this.#at, first.length)
    this.#header = Buffer.alloc(0)
    const { socket } = this.#client
    socket.write(first.subarray(0, at), () => {
      // The other end, in this process, has its turn to read.
      setImmediate(() => setImmediate(() => socket.write(first.subarray(at), done)))
    })
  }
}
