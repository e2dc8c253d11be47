import { createServer, type IncomingMessage, type RequestListener, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import {
  DEFAULT_WINDOW_BUDGET_BYTES,
  type Hello,
  isBrxyError,
  SUBPROTOCOL,
  TUNNEL_PATH,
  WindowBudget,
} from '@brxy/protocol'
import { type TimerWheel, Tunnel, WheelTimer } from '@brxy/protocol/transport'
import { type WebSocket, WebSocketServer } from 'ws'
import { DEMAND_PATH } from '../demand/demand-report.ts'
import type { EdgeEvent } from '../event.ts'
import { listen } from '../listen.ts'
import { type Bound, Listeners } from '../listeners.ts'
import { LiveSet } from '../live-set.ts'
import type { TlsSettings } from '../tls/settings.ts'
import { TlsFront } from '../tls/tls-front.ts'
import type { Grant, Tokens } from '../token/tokens.ts'
import { type Admission, type Greeting, Instance } from './instance.ts'

/** Largest WebSocket message; a flush is far smaller. */
const MAX_MESSAGE_BYTES = 1024 * 1024
/** Connections of linkers, and of whoever has not yet shown a token. Further ones are closed. */
const MAX_CONNECTIONS = 20_000
/** Who is refused before anything was read of it has so long to take the answer. */
const REFUSAL_MS = 1_000

export interface TunnelServerEnvironment {
  readonly tokens: Tokens
  readonly wheel: TimerWheel
  /** What every WELCOME says; asked for each. */
  readonly greeting: () => Greeting
  /** Decides what a linker with such a token may serve; see Admission. */
  readonly admit: (hello: Hello, instance: Instance, grant: Grant) => void
  /** Another edge reports its demand. */
  readonly onDemand: RequestListener
  readonly emit: (event: EdgeEvent) => void
}

/**
 * Where linkers connect: checks the path, the token and the subprotocol before the upgrade, and makes an Instance
 * and a Tunnel of each connection. ws establishes the WebSocket.
 */
export class TunnelServer {
  readonly listeners: Listeners<TlsSettings | null> = new Listeners((bind, tls) => this.#open(bind, tls))
  readonly #env: TunnelServerEnvironment
  readonly #sockets = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  })
  readonly #budget = new WindowBudget(DEFAULT_WINDOW_BUDGET_BYTES)
  /** All that was accepted, those in a TLS handshake too. */
  readonly #accepted = new Set<Socket>()
  /** Whether they have said HELLO or not. */
  readonly #instances = new LiveSet<Instance>()

  constructor(env: TunnelServerEnvironment) {
    this.#env = env
  }

  async #open(bind: string, tls: TlsSettings | null): Promise<Bound<TlsSettings | null>> {
    const server = createServer({ requestTimeout: 5_000, headersTimeout: 5_000 }, (request, response) => {
      if (request.url === DEMAND_PATH) return void this.#env.onDemand(request, response)
      response.writeHead(426, {
        Upgrade: 'websocket',
        Connection: 'Upgrade, close',
        'Content-Type': 'text/plain',
      })
      response.end('This is the tunnel of a brxy edge. Linkers connect here; clients use the other port.\n')
    })
    server.maxConnections = MAX_CONNECTIONS
    server.on('upgrade', (request, socket, head) => void this.#onUpgrade(request, socket, head))
    // http's own listener goes behind the TLS, if there is any: a reload may bring it, or take it away.
    const [serve] = server.listeners('connection')
    const frontOf = (settings: TlsSettings | null) =>
      settings === null ? null : this.#front(settings, (socket) => serve.call(server, socket))
    let front = frontOf(tls)
    server.removeAllListeners('connection')
    server.on('connection', (socket) => {
      this.#accepted.add(socket)
      socket.once('close', () => this.#accepted.delete(socket))
      if (front === null) serve.call(server, socket)
      else front.accept(socket)
    })
    const address = await listen(server, bind, (error) => this.#env.emit({ type: 'bug', error }))
    return {
      address,
      use(settings) {
        front = frontOf(settings)
      },
      // Sessions are none of the server's any more, so they outlive it.
      close() {
        server.close()
        server.closeAllConnections()
      },
    }
  }

  #front(settings: TlsSettings, serve: (socket: TLSSocket) => void): TlsFront {
    const plainAnswer = Buffer.from(
      refusal(400, 'edge/tls-required', 'this tunnel speaks TLS: the edge address begins with wss://'),
    )
    const onSecure = (socket: TLSSocket) => {
      if (settings.clientCa === null || socket.authorized) return serve(socket)
      const isMissing = Object.keys(socket.getPeerCertificate()).length === 0
      const what = isMissing
        ? 'no client certificate'
        : `a client certificate that is refused (${socket.authorizationError})`
      this.#refuseUnheard(
        socket,
        `the linker presented ${what}; give it one that the client CA of the edge signed, with BRXY_EDGE_CERT and BRXY_EDGE_KEY`,
      )
    }
    return new TlsFront(settings, { onSecure, plainAnswer, protocols: ['http/1.1'] })
  }

  /** Says why, and reads nothing of what somebody sends who may not even speak. */
  #refuseUnheard(socket: TLSSocket, message: string): void {
    const code = 'edge/client-certificate'
    this.#env.emit({ type: 'rejected', code, message, route: null })
    socket.on('error', () => {})
    const { wheel } = this.#env
    const timer = new WheelTimer(() => socket.destroy())
    wheel.set(timer, wheel.now() + REFUSAL_MS)
    socket.once('close', () => wheel.clear(timer))
    // Closed with bytes unread, the connection would be reset and the answer lost.
    socket.resume()
    socket.end(refusal(403, code, message))
  }

  /** Ends all sessions in good order. Resolves when their connections are closed, which a linker may delay. */
  async goodbye(code: string, message: string): Promise<void> {
    for (const { session } of this.#instances) {
      session.drain()
      session.goaway(code, message, true)
    }
    await this.#instances.whenEmpty()
  }

  async #onUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    socket.on('error', () => socket.destroy())
    const path = (request.url ?? '').split('?', 1)[0]
    if (path !== TUNNEL_PATH) return refuse(socket, 404, 'edge/not-found', `the tunnel is at ${TUNNEL_PATH}`)
    let grant: Grant
    try {
      grant = await this.#env.tokens.verify(bearer(request))
    } catch (error) {
      const [code, message] = isBrxyError(error)
        ? [error.code, error.message]
        : ['token/forged', 'the token is not valid']
      this.#env.emit({ type: 'rejected', code, message, route: null })
      return refuse(socket, 401, code, message)
    }
    if (!(request.headers['sec-websocket-protocol'] ?? '').split(/\s*,\s*/).includes(SUBPROTOCOL)) {
      return refuse(socket, 400, 'protocol/version', `the WebSocket subprotocol must be ${SUBPROTOCOL}`)
    }
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) =>
      this.#onTunnel(webSocket, socket as Socket, grant),
    )
  }

  #onTunnel(webSocket: WebSocket, socket: Socket, grant: Grant): void {
    const { wheel, greeting, emit } = this.#env
    socket.setNoDelay(true)
    const environment = { budget: this.#budget, random: Math.random, nowMs: wheel.now() }
    const admission: Admission = { admit: (hello, instance) => this.#env.admit(hello, instance, grant) }
    const instance = new Instance(admission, greeting(), environment, wheel.now)
    this.#instances.add(instance)
    webSocket.on('close', () => this.#instances.delete(instance))
    new Tunnel(webSocket, socket, instance.session, wheel, { onBug: (error) => emit({ type: 'bug', error }) })
  }

  close(): void {
    this.#sockets.close()
    this.listeners.close()
    for (const client of this.#sockets.clients) client.terminate()
    for (const socket of this.#accepted) socket.destroy()
  }
}

function bearer(request: IncomingMessage): string {
  const match = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')
  return match === null ? '' : match[1]
}

/** Answers instead of upgrading, with the reason for the operator of the linker. */
function refuse(socket: Duplex, status: number, code: string, message: string): void {
  // Whoever was refused may keep the connection open for ever: it ends with the answer.
  socket.once('finish', () => socket.destroy())
  socket.end(refusal(status, code, message))
}

function refusal(status: number, code: string, message: string): string {
  const body = JSON.stringify({ code, message })
  const authenticate = status === 401 ? 'WWW-Authenticate: Bearer realm="brxy tunnel"\r\n' : ''
  return `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\n${authenticate}Content-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`
}
