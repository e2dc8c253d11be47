import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { TUNNEL_PATH } from '@brxy/protocol'
import { TimerWheel } from '@brxy/protocol/transport'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { until } from '../app/processes.testkit.ts'
import { Dial, type Refusal } from './dial.ts'
import { TestEdge } from './edge.testkit.ts'
import { edgeUrl } from './edge-address.ts'

vi.setConfig({ testTimeout: 20_000 })

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A server that does this with each connection, once a request has come. */
async function server(serve: (socket: Socket) => void): Promise<string> {
  const sockets: Socket[] = []
  const made: Server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    socket.once('data', () => serve(socket))
  })
  await new Promise<void>((resolve) => made.listen(0, '127.0.0.1', resolve))
  closing.push(() => {
    for (const socket of sockets) socket.destroy()
    made.close()
  })
  return `127.0.0.1:${(made.address() as AddressInfo).port}`
}

interface Outcome {
  opened: number
  readonly refusals: Refusal[]
  readonly dial: Dial
}

function dial(address: string, token = 'secret', dialMs?: number): Outcome {
  const wheel = new TimerWheel()
  const refusals: Refusal[] = []
  let opened = 0
  const handler = {
    onOpen(socket: { terminate(): void }) {
      opened++
      socket.terminate()
    },
    onFailed: (refusal: Refusal) => void refusals.push(refusal),
  }
  const made = new Dial(edgeUrl(address), { token }, wheel, handler, dialMs)
  closing.push(() => {
    made.abort()
    wheel.close()
  })
  return {
    get opened() {
      return opened
    },
    refusals,
    dial: made,
  }
}

async function refusal(address: string, token?: string, dialMs?: number): Promise<Refusal> {
  const outcome = dial(address, token, dialMs)
  await until('a refusal', () => outcome.refusals.length > 0)
  // Nothing is said twice, whatever the socket still does.
  await new Promise((resolve) => setTimeout(resolve, 30))
  expect([outcome.opened, outcome.refusals.length]).toEqual([0, 1])
  return outcome.refusals[0] as Refusal
}

test('opens a WebSocket at the path of the tunnel, with the token', async () => {
  let request = ''
  const address = await server(() => {})
  const edge = await TestEdge.start()
  closing.push(() => edge.close())
  const outcome = dial(edge.address)
  await until('it opens', () => outcome.opened === 1)
  expect(edge.tokens).toEqual(['Bearer secret'])

  const seen = new Promise<void>((resolve) => {
    const raw = createServer((socket) => {
      socket.on('error', () => {})
      socket.on('data', (data) => {
        request += data.toString('latin1')
        if (request.endsWith('\r\n\r\n')) {
          socket.destroy()
          raw.close()
          resolve()
        }
      })
    })
    raw.listen(0, '127.0.0.1', () => dial(`127.0.0.1:${(raw.address() as AddressInfo).port}`))
  })
  await seen
  expect(request).toContain(`GET ${TUNNEL_PATH} HTTP/1.1\r\n`)
  expect(request).toMatch(/\r\nSec-WebSocket-Protocol: brxy\.v1\r\n/)
  expect(request).not.toMatch(/permessage-deflate/i)
  expect(address).not.toBe('')
})

describe('a dial fails', () => {
  test('with the reason that the edge gives', async () => {
    const edge = await TestEdge.start()
    closing.push(() => edge.close())
    edge.refusal = { status: 401, body: '{"code":"token/expired","message":"the token expired yesterday"}' }
    expect(await refusal(edge.address)).toEqual({
      code: 'token/expired',
      message: 'the token expired yesterday',
      isToken: true,
    })
  })

  test.for([
    ['no JSON', 'nothing here'],
    ['JSON of another kind', '[1, 2]'],
    ['JSON without a reason', '{"code":5}'],
  ])('with a hint when something else answers: %s', async ([, body]) => {
    const edge = await TestEdge.start()
    closing.push(() => edge.close())
    edge.refusal = { status: 404, body: body as string }
    const { code, message, isToken } = await refusal(edge.address)
    expect([code, isToken]).toEqual(['link/refused', false])
    expect(message).toBe('the edge answered 404; is this the tunnel port of a brxy edge?')
  })

  test('when nobody listens', async () => {
    const { code, message } = await refusal('127.0.0.1:1')
    expect(code).toBe('link/unreachable')
    expect(message).toContain('ECONNREFUSED')
  })

  test('when the name has no address', async () => {
    expect((await refusal('edge.invalid:9080')).code).toBe('link/unreachable')
  })

  test.for([
    ['nothing', ''],
    ['something else than HTTP', 'SSH-2.0-OpenSSH_9.6\r\n'],
    [
      'an upgrade to another protocol',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n',
    ],
    [
      'an upgrade with the wrong key',
      'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n',
    ],
    ['a redirection', 'HTTP/1.1 302 Found\r\nLocation: ws://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n'],
  ] as const)('when the answer is %s and the end', async ([, bytes]) => {
    const address = await server((socket) => socket.end(bytes))
    expect((await refusal(address)).code).toMatch(/^link\/(unreachable|refused)$/)
  })

  test('when nothing is said at all, within its time', async () => {
    const { code, message } = await refusal(await server(() => {}), 'secret', 150)
    expect([code, message]).toEqual(['link/unreachable', 'no answer within 150 ms'])
  })

  test('within its time also when the answer never ends', async () => {
    const drip = await server((socket) => {
      socket.write('HTTP/1.1 503 No\r\n\r\n')
      const timer = setInterval(() => socket.write('.'), 10)
      socket.on('close', () => clearInterval(timer))
    })
    expect((await refusal(drip, 'secret', 200)).code).toBe('link/unreachable')
  })

  test('when the answer is longer than any reason', async () => {
    const flood = await server((socket) => {
      socket.write(`HTTP/1.1 503 No\r\n\r\n${'x'.repeat(100_000)}`)
    })
    expect((await refusal(flood)).code).toBe('link/refused')
  })

  test.for(['two words', 'two\nlines', 'ümlaut'])(
    'with a token that no header can carry: %j',
    async (token) => {
      expect(await refusal('127.0.0.1:1', token)).toMatchObject({ code: 'link/bad-token', isToken: true })
    },
  )
})

test('says nothing once it is aborted', async () => {
  const address = await server(() => {})
  const outcome = dial(address)
  outcome.dial.abort()
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect([outcome.opened, outcome.refusals]).toEqual([0, []])
})
