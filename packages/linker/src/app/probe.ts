import { connect, type Socket } from 'node:net'
import type { Readable } from 'node:stream'

// A connection over loopback is accepted or refused at once, except when the backlog is full; a health page may have
// to wait for a single-threaded application that is still busy with itself.
const PROBE_TIMEOUT_MS = 5_000
// A health page is read to its end, so that it is no second request beside the first real one. But not for ever.
const MAX_HEALTH_BYTES = 64 * 1024

/** What answers 2xx or 3xx once the application is ready. */
export interface HealthPage {
  /** Starts with `/`. */
  readonly path: string
  /** The application speaks HTTP/2 with prior knowledge (RFC 9113 3.3). */
  readonly h2c: boolean
  /** What goes before the GET, to an application that expects a PROXY header. */
  readonly preface?: Buffer
}

/**
 * Asks once whether an application is ready at `address`: by a TCP connection that is closed at once or, with a
 * health page, by a GET that is answered 2xx or 3xx.
 *
 * @param address an IP address
 * @param signal gives up at once, with false
 * @returns false after 5 s without an answer; never rejects because of what the application does
 */
export async function probe(
  address: string,
  port: number,
  health?: HealthPage,
  signal?: AbortSignal,
): Promise<boolean> {
  const ask = health === undefined ? knock : asking(health)
  if (signal?.aborted) return false
  return new Promise((resolve) => {
    const attempt = ask(address, port)
    const giveUp = () => attempt.connection.destroy()
    const timeout = setTimeout(giveUp, PROBE_TIMEOUT_MS)
    signal?.addEventListener('abort', giveUp)
    attempt.connection.on('error', () => {}) // refused, reset, not HTTP: 'close' follows
    attempt.connection.on('close', () => {
      clearTimeout(timeout)
      signal?.removeEventListener('abort', giveUp)
      resolve(attempt.isReady && !signal?.aborted)
    })
  })
}

interface Attempt {
  readonly connection: {
    on(event: 'error' | 'close', listener: () => void): unknown
    destroy(): unknown
  }
  /** Valid once the connection is closed. */
  isReady: boolean
}

/** node:http and node:http2 are not loaded before they are needed: the application starts first. */
function asking({ path, h2c, preface }: HealthPage): (host: string, port: number) => Attempt {
  if (h2c) {
    const { connect } = process.getBuiltinModule('node:http2')
    return (host, port) => askH2(connect, host, port, path)
  }
  const { get } = process.getBuiltinModule('node:http')
  return (host, port) => askHttp1(get, host, port, path, preface)
}

function knock(host: string, port: number): Attempt {
  const connection = connect({ host, port })
  const attempt: Attempt = { connection, isReady: false }
  connection.on('connect', () => {
    // Within the range of ports for outgoing connections, a connection to a port on which nobody listens can be
    // given that very port, and then TCP connects it to itself (RFC 9293 3.5, simultaneous open).
    attempt.isReady = connection.localPort !== port
    connection.destroy()
  })
  return attempt
}

function askHttp1(
  get: typeof import('node:http').get,
  host: string,
  port: number,
  path: string,
  preface: Buffer | undefined,
): Attempt {
  const connection = get({
    host,
    port,
    path,
    // A connection of its own, `Connection: close`.
    ...(preface === undefined ? { agent: false } : { createConnection: () => begin(host, port, preface) }),
    headers: { host: `localhost:${port}`, 'user-agent': 'brxy-link' },
  })
  const attempt: Attempt = { connection, isReady: false }
  connection.on('response', (response) => {
    attempt.isReady = isWell(response.statusCode)
    readToEnd(response, attempt)
  })
  return attempt
}

function begin(host: string, port: number, preface: Buffer): Socket {
  const socket = connect({ host, port })
  socket.write(preface)
  return socket
}

function askH2(
  connect: typeof import('node:http2').connect,
  host: string,
  port: number,
  path: string,
): Attempt {
  const connection = connect(`http://${host.includes(':') ? `[${host}]` : host}:${port}`)
  const attempt: Attempt = { connection, isReady: false }
  const request = connection.request({
    ':path': path,
    ':authority': `localhost:${port}`,
    'user-agent': 'brxy-link',
  })
  request.on('response', ({ ':status': status }) => {
    attempt.isReady = isWell(status)
  })
  readToEnd(request, attempt)
  request.on('close', () => connection.close())
  return attempt
}

function isWell(status = 0): boolean {
  return status >= 200 && status < 400
}

function readToEnd(body: Readable, { connection }: Attempt): void {
  let bytes = 0
  body.on('error', () => {}) // cut short: its head has given the answer
  body.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > MAX_HEALTH_BYTES) connection.destroy()
  })
}
