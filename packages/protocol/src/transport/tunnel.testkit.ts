import type { AddressInfo, Socket } from 'node:net'
import { WebSocket, WebSocketServer } from 'ws'
import { EdgeSession } from '../session/edge-session.ts'
import { LinkerSession } from '../session/linker-session.ts'
import { EdgeLog, HELLO, LinkerLog } from '../session/log.testkit.ts'
import { DEFAULT_WINDOW_BUDGET_BYTES, type SessionOptions } from '../session/options.ts'
import type { SessionEnd } from '../session/session.ts'
import { WindowBudget } from '../session/window.ts'
import { TimerWheel } from './timer-wheel.ts'
import { Tunnel } from './tunnel.ts'

const MAX_MESSAGE_BYTES = 1024 * 1024
/** An await that takes longer has failed. */
const BOUND_MS = 10_000

/** A promise of the next call, with a bound. */
export function within<T>(what: string, start: (resolve: (value: T) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const timeout = setTimeout(
      () => reject(new Error(`${what} did not happen within ${BOUND_MS} ms`)),
      BOUND_MS,
    )
    start((value) => {
      clearTimeout(timeout)
      resolve(value)
    })
  })
}

/** A real WebSocket over loopback: both ends of it, and the sockets under them. */
export interface SocketPair {
  readonly server: WebSocket
  readonly serverSocket: Socket
  readonly client: WebSocket
  readonly clientSocket: Socket
  close(): Promise<void>
}

export async function connectSockets(zeroMask = true): Promise<SocketPair> {
  const server = new WebSocketServer({
    port: 0,
    host: '127.0.0.1',
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
  })
  await within('listening', (resolve) => server.once('listening', () => resolve(null)))
  const { port } = server.address() as AddressInfo
  const accepted = within<[WebSocket, Socket]>('a connection', (resolve) => {
    server.once('connection', (socket, request) => resolve([socket, request.socket]))
  })
  const client = new WebSocket(`ws://127.0.0.1:${port}/`, 'brxy.v1', {
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    ...(zeroMask ? { generateMask: (mask: Buffer) => void mask.fill(0) } : {}),
  })
  const upgraded = within<Socket>('an upgrade', (resolve) =>
    client.once('upgrade', (response) => resolve(response.socket)),
  )
  const opened = within('an open', (resolve) => client.once('open', () => resolve(null)))
  const [serverEnd, serverSocket] = await accepted
  const clientSocket = await upgraded
  await opened
  return {
    server: serverEnd,
    serverSocket,
    client,
    clientSocket,
    async close() {
      client.terminate()
      serverEnd.terminate()
      await within('the server closing', (resolve) => server.close(() => resolve(null)))
    },
  }
}

export interface TunnelPairOptions {
  readonly edge?: Partial<SessionOptions>
  readonly linker?: Partial<SessionOptions>
  readonly closeMs?: number
  readonly zeroMask?: boolean
}

/** Two sessions joined by two tunnels over a real WebSocket; the handshake is over and grants are lent. */
export class TunnelPair {
  readonly sockets: SocketPair
  readonly wheel = new TimerWheel()
  readonly edgeLog = new EdgeLog()
  readonly linkerLog: LinkerLog
  readonly edge: EdgeSession
  readonly linker: LinkerSession
  readonly bugs: { readonly edge: unknown[]; readonly linker: unknown[] } = { edge: [], linker: [] }
  readonly edgeClosed: Promise<SessionEnd>
  readonly linkerClosed: Promise<SessionEnd>

  constructor(sockets: SocketPair, options: TunnelPairOptions) {
    this.sockets = sockets
    const common = { random: Math.random, nowMs: this.wheel.now() }
    const budget = () => new WindowBudget(DEFAULT_WINDOW_BUDGET_BYTES)
    this.linkerLog = new LinkerLog(this.wheel.now)
    this.edge = new EdgeSession(this.edgeLog, { ...common, budget: budget(), options: options.edge ?? {} })
    this.edgeLog.session = this.edge
    this.linker = new LinkerSession(this.linkerLog, HELLO, {
      ...common,
      budget: budget(),
      options: options.linker ?? {},
    })
    this.linkerLog.session = this.linker
    this.edgeClosed = closedOf(this.edgeLog)
    this.linkerClosed = closedOf(this.linkerLog)
    const closeMs = options.closeMs === undefined ? {} : { closeMs: options.closeMs }
    const { server, serverSocket, client, clientSocket } = sockets
    new Tunnel(server, serverSocket, this.edge, this.wheel, {
      ...closeMs,
      onBug: (e) => void this.bugs.edge.push(e),
    })
    new Tunnel(client, clientSocket, this.linker, this.wheel, {
      ...closeMs,
      onBug: (e) => void this.bugs.linker.push(e),
    })
  }

  static async connect(grants: number, options: TunnelPairOptions = {}): Promise<TunnelPair> {
    const pair = new TunnelPair(await connectSockets(options.zeroMask ?? true), options)
    const granted = within<number>('GRANT', (resolve) => {
      pair.edgeLog.onGrant = resolve
    })
    await within('WELCOME', (resolve) => {
      pair.linkerLog.onWelcome = () => resolve(null)
    })
    pair.linker.grant(grants)
    await granted
    return pair
  }

  async close(): Promise<void> {
    await this.sockets.close()
    this.wheel.close()
  }
}

function closedOf(log: EdgeLog | LinkerLog): Promise<SessionEnd> {
  let resolve!: (end: SessionEnd) => void
  const promise = new Promise<SessionEnd>((done) => {
    resolve = done
  })
  const onClosed = log.onClosed.bind(log)
  log.onClosed = (end) => {
    onClosed(end)
    resolve(end)
  }
  return promise
}
