import type { ClientRequest } from 'node:http'
import { connect, type Socket } from 'node:net'

// A connection over loopback is accepted or refused at once, except when the backlog is full; a health page may have
// to wait for a single-threaded application that is still busy with itself.
const PROBE_TIMEOUT_MS = 5_000
// A health page is read to its end, so that it is no second request beside the first real one. But not for ever.
const MAX_HEALTH_BYTES = 64 * 1024

/**
 * Asks once whether an application is ready at `address`: by a TCP connection that is closed at once or, with a
 * `healthPath`, by a GET that is answered 2xx or 3xx.
 *
 * @param address an IP address
 * @param healthPath starts with `/`
 * @param signal gives up at once, with false
 * @param preface goes before the GET, to an application that expects a PROXY header
 * @returns false after 5 s without an answer; never rejects because of what the application does
 */
export async function probe(
  address: string,
  port: number,
  healthPath?: string,
  signal?: AbortSignal,
  preface?: Buffer,
): Promise<boolean> {
  // node:http is not loaded before it is needed: the application starts first.
  const http = healthPath === undefined ? undefined : await import('node:http')
  if (signal?.aborted) return false
  return new Promise((resolve) => {
    const attempt = http ? ask(http.get, address, port, healthPath as string, preface) : knock(address, port)
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
  readonly connection: Socket | ClientRequest
  /** Valid once the connection is closed. */
  isReady: boolean
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

function ask(
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
    const status = response.statusCode ?? 0
    attempt.isReady = status >= 200 && status < 400
    let bytes = 0
    response.on('error', () => {}) // cut short: its head has given the answer
    response.on('data', (chunk: Buffer) => {
      bytes += chunk.length
      if (bytes > MAX_HEALTH_BYTES) connection.destroy()
    })
  })
  return attempt
}

function begin(host: string, port: number, preface: Buffer): Socket {
  const socket = connect({ host, port })
  socket.write(preface)
  return socket
}
