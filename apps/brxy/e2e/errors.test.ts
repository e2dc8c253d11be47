import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { fileURLToPath } from 'node:url'
import { CLIENT_ERRORS, type ClientErrorCode } from '@brxy/edge'
import {
  EdgeProcess,
  eventually,
  expectNoLeftovers,
  freePorts,
  type LoggedEvent,
  within,
} from '@brxy-tooling/testkit'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { linked, shell } from './apps.ts'
import { ConfigFile, launched } from './config-file.ts'

const FAULTY = [process.execPath, fileURLToPath(new URL('faulty-app.mjs', import.meta.url))]

/** Every address, path and word of the inside that an answer could give away. */
const INSIDE =
  /127\.0\.0\.1|localhost|node|brxy[ -]?link|\/tmp|\/home|\.ts|\.js|\bat \S+ \(|exit|status 3|sh -c/i

let edge: EdgeProcess
let file: ConfigFile
const sockets: Socket[] = []

/** One request on a connection of its own. */
class Asked {
  readonly socket: Socket
  text = ''

  constructor(bytes: string) {
    this.socket = connect({ port: edge.port, host: '127.0.0.1' })
    sockets.push(this.socket)
    this.socket.on('error', () => {})
    this.socket.on('data', (data) => {
      this.text += data.toString('latin1')
    })
    this.socket.write(bytes, 'latin1')
  }

  /** The whole of it; every answer of an edge says how long it is. */
  answer(): Promise<string> {
    return eventually('an answer', () => {
      const { fields, body } = parse(this.text)
      return body.length === Number(fields['content-length']) && this.text
    })
  }

  async ended(): Promise<void> {
    if (!this.socket.closed) await within('the end of the connection', once(this.socket, 'close'))
  }
}

/** A request for an app, with a path that tells the application what to do. */
function get(app: string, path: string, accept: string, more = ''): string {
  return `GET /${path} HTTP/1.1\r\nHost: ${app}.test\r\nAccept: ${accept}\r\nOrigin: https://page.test\r\nConnection: close${more}\r\n\r\n`
}

/** Asks while as many requests as may be held are, and lets those go afterwards. */
async function whileHeld(app: string, ask: () => Promise<string>): Promise<string> {
  const held = new Asked(get(app, 'held', '*/*'))
  const count = async () =>
    (await edge.status()).apps.find((each: { app: string }) => each.app.startsWith(app))?.held.count
  await eventually(`a request that is held for ${app}`, async () => (await count()) === 1)
  try {
    return await ask()
  } finally {
    held.socket.destroy()
    await eventually('nobody is held', async () => !(await count()))
  }
}

/** How each error comes about, with processes and sockets only. @returns the whole answer */
const WAYS: Partial<Record<ClientErrorCode, (accept: string) => Promise<string>>> = {
  'edge/no-app': (accept) => new Asked(get('nobody', '', accept)).answer(),
  'edge/too-many-apps': (accept) =>
    whileHeld('one.many', () => new Asked(get('two.many', '', accept)).answer()),
  'edge/hold-full': (accept) => whileHeld('small', () => new Asked(get('small', '', accept)).answer()),
  'edge/hold-timeout': (accept) => new Asked(get('late', '', accept)).answer(),
  'edge/cannot-start': (accept) => new Asked(get('broken', '', accept)).answer(),
  'edge/response-timeout': (accept) => new Asked(get('faulty', 'silent', accept)).answer(),
  'edge/app-closed': (accept) => new Asked(get('faulty', 'hangUp', accept)).answer(),
  'edge/app-protocol': (accept) => new Asked(get('faulty', 'noHttp', accept)).answer(),
  'edge/loop': (accept) => new Asked(get('loop', '', accept)).answer(),
  'edge/bad-max-forwards': (accept) =>
    new Asked(get('faulty', '', accept, '\r\nMax-Forwards: no').replace('GET', 'OPTIONS')).answer(),
  'edge/head-timeout': (accept) =>
    new Asked(`GET / HTTP/1.1\r\nHost: faulty.test\r\nAccept: ${accept}\r\n`).answer(),
  'edge/body-too-large': (accept) =>
    new Asked(get('faulty', 'fine', accept, '\r\nContent-Length: 2000').replace('GET', 'POST')).answer(),
  'edge/body-timeout': (accept) =>
    new Asked(get('slow', '', accept, '\r\nContent-Length: 5').replace('GET', 'POST')).answer(),
  'edge/upgrade-failed'(accept) {
    const upgrade =
      ', Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=='
    return new Asked(get('faulty', 'wrongSwitch', accept, upgrade).replace('close, ', '')).answer()
  },
  async 'edge/tunnel-lost'(accept) {
    // It has answered once, so that the next one is launched without a pause.
    await new Asked(get('doomed', 'fine', accept)).answer()
    const { pid } = edge.matching('launch started', ofDoomed).at(-1) as LoggedEvent
    const nth = edge.matching('asked', ofDoomed).length + 1
    // Unsafe, so that it is not sent to another instance.
    const asked = new Asked(get('doomed', 'silent', accept).replace('GET', 'POST'))
    await edge.event('asked', ofDoomed, nth)
    process.kill(pid as number, 'SIGKILL')
    return asked.answer()
  },
}
const ofDoomed = ({ app, route }: LoggedEvent) => app === 'doomed' || route === 'doomed'

/** What no request, application or kill can bring about. Tests beside the code do, with what is theirs alone. */
const ELSEWHERE: readonly ClientErrorCode[] = [
  // A linker that lies about a length: forward/redispatch.test.ts. An honest one aborts, for the head is out by then.
  'edge/app-incomplete',
  // A bug: forward/containment.test.ts.
  'edge/internal',
  // It needs HTTP/2: forward/http2/http2-request.test.ts.
  'edge/http2-malformed',
  // At the end of this file, for it is the end of the edge.
  'edge/draining',
]

interface Parsed {
  readonly status: number
  readonly fields: Readonly<Record<string, string>>
  readonly body: string
}

function parse(text: string): Parsed {
  const [head, ...rest] = text.split('\r\n\r\n')
  const [first, ...lines] = head.split('\r\n')
  const fields = lines.map((line) => /^([^:]+): (.*)$/.exec(line)?.slice(1) ?? ['', ''])
  const all = Object.fromEntries(fields.map(([name, value]) => [name.toLowerCase(), value]))
  return { status: Number(first.split(' ')[1]), fields: all, body: rest.join('\r\n\r\n') }
}

/** What is true of every error response (DESIGN.md section 9, RFC 9209, RFC 9457). */
function expectError(text: string, code: string, status: number, proxyError: string, isPage: boolean): void {
  const answer = parse(text)
  const { fields, body } = answer
  expect(answer.status, text).toBe(status)
  const details = fields['proxy-status'].match(/^brxy; error=(\S+); details="(\S+)( [a-z]+)?"$/)
  expect(details?.slice(1, 3), fields['proxy-status']).toEqual([proxyError, code])
  expect(fields['cache-control']).toBe('no-store')
  expect(Number(fields['content-length'])).toBe(body.length)
  if (status === 503) expect(Number(fields['retry-after'])).toBeGreaterThan(0)
  else expect(fields['retry-after']).toBeUndefined()
  if (isPage) {
    expect(fields['content-type']).toBe('text/html; charset=utf-8')
    expect(body).toMatch(/Request [0-9a-f-]{36}</)
  } else {
    expect(fields['content-type']).toBe('application/problem+json')
    const problem = JSON.parse(body)
    expect(problem).toMatchObject({ type: 'about:blank', status, code })
    expect(problem.requestId).toMatch(/^[0-9a-f-]{36}$/)
  }
  expect(`${fields['proxy-status']}\n${body}`).not.toMatch(INSIDE)
}

beforeAll(async () => {
  file = new ConfigFile()
  const [port] = await freePorts(1)
  file.set(
    {
      small: { hosts: ['small.test'], queue: { requests: 1 } },
      many: { hosts: ['*.many.test'], perHost: true, maxRoutes: 1 },
      late: { hosts: ['late.test'], hold: '200ms' },
      slow: { hosts: ['slow.test'], bodyIdle: '300ms' },
      broken: { hosts: ['broken.test'], scaler: launched(linked(shell('exit 3'))) },
      faulty: {
        hosts: ['faulty.test'],
        maxBody: 1000,
        response: '300ms',
        scaler: launched(linked(FAULTY, ['-c', '4'])),
      },
      doomed: { hosts: ['doomed.test'], scaler: launched(linked(FAULTY)) },
      loop: { hosts: ['loop.test'], scaler: launched(['brxy', 'link', '--to', `127.0.0.1:${port}`]) },
    },
    { listen: [`127.0.0.1:${port}`], timeouts: { head: '300ms' } },
  )
  edge = await EdgeProcess.start({ file: file.path })
})

afterAll(async () => {
  for (const socket of sockets) socket.destroy()
  await edge.close()
  file.remove()
  await expectNoLeftovers()
})

describe('each error of the table comes about, and is told as all are', () => {
  it.each(Object.keys(WAYS) as ClientErrorCode[])('%s', async (code) => {
    const { status, proxyError } = CLIENT_ERRORS[code]
    const produce = WAYS[code] as (accept: string) => Promise<string>
    for (const accept of ['application/json', 'text/html,*/*;q=0.8']) {
      const text = await produce(accept)
      // Of an incomplete head nothing is believed, what it accepts neither.
      const isPage = accept.startsWith('text/html') && code !== 'edge/head-timeout'
      expectError(text, code, status, proxyError, isPage)
      if (code !== 'edge/head-timeout')
        expect(parse(text).fields['access-control-allow-origin']).toBe('https://page.test')
    }
  })

  it('and there is no other', () => {
    expect([...Object.keys(WAYS), ...ELSEWHERE].sort()).toEqual(Object.keys(CLIENT_ERRORS).sort())
  })
})

describe('a request that is malformed, or could be read in two ways, ends its connection', () => {
  const head = (start: string, ...fields: string[]) =>
    `${[start, 'Host: faulty.test', ...fields].join('\r\n')}\r\n\r\n`
  it.each([
    ['http1/bad-field-name', 400, head('GET / HTTP/1.1', 'X y: 1')],
    [
      'http1/ambiguous-framing',
      400,
      head('POST / HTTP/1.1', 'Content-Length: 1', 'Transfer-Encoding: chunked'),
    ],
    ['http1/request-line-too-long', 414, head(`GET /${'x'.repeat(17_000)} HTTP/1.1`)],
    ['http1/expectation-failed', 417, head('GET / HTTP/1.1', 'Expect: the unexpected')],
    [
      'http1/too-many-fields',
      431,
      head('GET / HTTP/1.1', ...Array.from({ length: 130 }, (_, i) => `X-${i}: 1`)),
    ],
    [
      'http1/head-too-large',
      431,
      head('GET / HTTP/1.1', ...Array.from({ length: 5 }, (_, i) => `X-${i}: ${'y'.repeat(8000)}`)),
    ],
    ['http1/method-not-implemented', 501, head('TRACE / HTTP/1.1')],
    ['http1/unsupported-transfer-encoding', 501, head('POST / HTTP/1.1', 'Transfer-Encoding: gzip, chunked')],
    ['http1/version-not-supported', 505, head('GET / HTTP/2.0')],
  ])('%s: %i', async (code, status, request) => {
    const asked = new Asked(`${request}${head('GET /fine HTTP/1.1')}`)
    const text = await asked.answer()
    expectError(text, code, status, 'http_request_error', false)
    expect(parse(text).fields.connection).toBe('close')
    await asked.ended()
    expect(asked.text).toBe(text)
  })
})

it('an application that cannot be started is told by the class of its problem', async () => {
  const { body, fields } = parse(await new Asked(get('broken', '', '*/*')).answer())
  expect(JSON.parse(body)).toMatchObject({
    problem: 'crashed',
    detail: expect.stringContaining('ended while starting'),
  })
  expect(fields['proxy-status']).toBe(
    'brxy; error=destination_unavailable; details="edge/cannot-start crashed"',
  )
})

it('edge/draining: what is held when the edge stops is told so', async () => {
  const held = new Asked(get('small', 'held', '*/*'))
  const { status, proxyError } = CLIENT_ERRORS['edge/draining']
  await eventually('it is held', async () =>
    (await edge.status()).apps.some(({ held: { count } }: { held: { count: number } }) => count === 1),
  )
  const stopped = edge.stop()
  expectError(await held.answer(), 'edge/draining', status, proxyError, false)
  await stopped
  expect(edge.matching('bug')).toEqual([])
})
