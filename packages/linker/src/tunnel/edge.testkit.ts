import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import {
  type Addresses,
  BODY_NONE,
  BODY_UNKNOWN,
  type BodyKind,
  DEFAULT_WINDOW_BUDGET_BYTES,
  EdgeSession,
  type EdgeSessionHandler,
  encodeAddresses,
  type Farewell,
  type Hello,
  KIND_HTTP,
  KIND_TCP,
  OPEN_UPGRADE,
  type SessionEnd,
  type SessionOptions,
  type Status,
  type Stream,
  type StreamHandler,
  type StreamKind,
  SUBPROTOCOL,
  type Welcome,
  WindowBudget,
} from '@brxy/protocol'
import { TimerWheel, Tunnel } from '@brxy/protocol/transport'
import { type WebSocket, WebSocketServer } from 'ws'
import { until } from '../app/processes.testkit.ts'

/** What an edge of these tests answers to each HELLO, unless it is told otherwise. */
export const WELCOME = {
  session: 's-1',
  edge: 'e-1',
  edges: [],
  leave: 'exit',
  reconnectSpreadMs: 0,
} as const satisfies Partial<Welcome>

export interface TestEdgeOptions {
  readonly port?: number
  /** Default: 127.0.0.1. All of 127.0.0.0/8 is this machine. */
  readonly host?: string
  readonly session?: Partial<SessionOptions>
  /** What each WELCOME says otherwise. */
  readonly welcome?: Partial<Welcome>
}

/** An edge that does what a test tells it: a real WebSocket server, real sessions, no scaling, no clients. */
export class TestEdge {
  readonly wheel = new TimerWheel()
  readonly budget = new WindowBudget(DEFAULT_WINDOW_BUDGET_BYTES)
  readonly options: TestEdgeOptions
  /** Every session so far. */
  readonly sessions: TestSession[] = []
  /** The Authorization header of each dial so far. */
  readonly tokens: string[] = []
  /** The Host header of each dial so far. */
  readonly hosts: string[] = []
  readonly bugs: unknown[] = []
  /** Answers dials with this instead of an upgrade. */
  refusal: { readonly status: number; readonly body: string } | null = null
  /** What HELLO is answered with; null: nothing. */
  answer: (hello: Hello, count: number) => Partial<Welcome> | Farewell | null = () =>
    this.options.welcome ?? {}
  readonly #server: Server
  readonly #sockets = new WebSocketServer({ noServer: true, perMessageDeflate: false })
  readonly #raw = new Set<Socket>()

  private constructor(server: Server, options: TestEdgeOptions) {
    this.options = options
    this.#server = server
    server.on('connection', (socket) => {
      this.#raw.add(socket)
      socket.on('close', () => this.#raw.delete(socket))
    })
    server.on('upgrade', (request, socket, head) => this.#onUpgrade(request, socket as Socket, head))
  }

  static async start(options: TestEdgeOptions = {}): Promise<TestEdge> {
    const server = createServer()
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject)
      server.listen(options.port ?? 0, options.host ?? '127.0.0.1', resolve)
    })
    return new TestEdge(server, options)
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  get address(): string {
    return `${this.options.host ?? '127.0.0.1'}:${this.port}`
  }

  #onUpgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    this.tokens.push(request.headers.authorization ?? '')
    this.hosts.push(request.headers.host ?? '')
    socket.on('error', () => {})
    if (this.refusal !== null) {
      const { status, body } = this.refusal
      socket.end(
        `HTTP/1.1 ${status} No\r\nContent-Length: ${body.length}\r\nConnection: close\r\n\r\n${body}`,
      )
      return
    }
    if (request.headers['sec-websocket-protocol'] !== SUBPROTOCOL) throw new Error('no subprotocol')
    this.#sockets.handleUpgrade(request, socket, head, (webSocket) => {
      this.sessions.push(new TestSession(this, webSocket, socket, this.sessions.length))
    })
  }

  /** The nth session, once it is up; 0 is the first. */
  async session(at = 0): Promise<TestSession> {
    await until(`session ${at}`, () => this.sessions[at]?.hello !== null && this.sessions[at] !== undefined)
    return this.sessions[at] as TestSession
  }

  /** The nth session, once it was lent so many grants. */
  async granted(grants: number, at = 0): Promise<TestSession> {
    const session = await this.session(at)
    await until(`${grants} grants of session ${at}`, () => session.session.unspent === grants)
    return session
  }

  /** Cuts every connection, as a machine does that loses power. */
  cut(): void {
    for (const socket of this.#raw) socket.destroy()
  }

  async close(): Promise<void> {
    this.wheel.close()
    this.#sockets.close()
    this.cut()
    await new Promise((resolve) => this.#server.close(resolve))
  }
}

/** One session as its edge sees it. */
export class TestSession implements EdgeSessionHandler {
  readonly session: EdgeSession
  readonly socket: Socket
  /** Everything that was said, in words. */
  readonly log: string[] = []
  readonly statuses: Status[] = []
  hello: Hello | null = null
  end: SessionEnd | null = null
  readonly #edge: TestEdge
  readonly #at: number

  constructor(edge: TestEdge, webSocket: WebSocket, socket: Socket, at: number) {
    const { wheel, budget, options } = edge
    this.#edge = edge
    this.#at = at
    this.socket = socket
    this.session = new EdgeSession(this, {
      budget,
      random: Math.random,
      nowMs: wheel.now(),
      options: options.session ?? {},
    })
    new Tunnel(webSocket, socket, this.session, wheel, { onBug: (error) => void edge.bugs.push(error) })
  }

  onHello(hello: Hello): void {
    this.hello = hello
    this.log.push('hello')
    const answer = this.#edge.answer(hello, this.#at)
    if (answer === null) return
    if ('retryable' in answer) this.session.reject(answer)
    else this.session.accept({ ...WELCOME, ...answer })
  }

  onStatus(status: Status): void {
    this.statuses.push(status)
    this.log.push(`status ${status.phase}`)
  }

  onGrant(count: number): void {
    this.log.push(`grant ${count}`)
  }

  onUngrant(count: number): void {
    this.log.push(`ungrant ${count}`)
  }

  onLeave(): void {
    this.log.push('leave')
  }

  onReplace(): void {
    this.log.push('replace')
  }

  onSuspect(): void {}

  onDrain(): void {
    this.log.push('drain')
  }

  onClosed(end: SessionEnd): void {
    this.end = end
    this.log.push(`closed ${end.code}`)
  }

  /** Resolves once that was said. */
  says(what: string): Promise<void> {
    return until(`the linker says "${what}" (so far: ${this.log.join(', ')})`, () => this.log.includes(what))
  }

  /** Spends a grant on a request. Body kind and length default to none. */
  open(request: RequestShape = {}): TestStream {
    const { method = 'GET', target = '/', fields = '', body = BODY_NONE, length = 0, bits = 0 } = request
    const head = `${method} ${target} HTTP/1.1\r\nHost: shop.example\r\n${fields}\r\n`
    const handler = request.handler ?? new TestStream(this.now)
    return this.#open(KIND_HTTP, body, bits, length, head, handler, request.addresses ?? null)
  }

  /** Spends a grant on a request to become something else: body unknown, and the bit for it. */
  upgrade(request: RequestShape = {}): TestStream {
    return this.open({ fields: 'Upgrade: echo\r\n', body: BODY_UNKNOWN, bits: OPEN_UPGRADE, ...request })
  }

  /** Spends a grant on a connection. */
  openTcp(addresses: Addresses | null = null): TestStream {
    return this.#open(KIND_TCP, BODY_UNKNOWN, 0, 0, '', new TestStream(this.now), addresses)
  }

  get now(): () => number {
    return this.#edge.wheel.now
  }

  #open(
    kind: StreamKind,
    body: BodyKind,
    bits: number,
    length: number,
    head: string,
    handler: TestStream,
    addresses: Addresses | null,
  ): TestStream {
    const { session } = this
    const block = session.takesAddresses ? encodeAddresses(addresses) : null
    handler.stream = session.beginOpen(handler, kind, body, bits, length, head.length, block)
    session.commitOpen(session.headAt + session.batch.slab.write(head, session.headAt, 'latin1'))
    return handler
  }

  /** A request without a body, to its end. */
  async get(target = '/', request: RequestShape = {}): Promise<TestStream> {
    const stream = this.open({ target, ...request })
    await stream.over
    return stream
  }
}

export interface RequestShape {
  readonly method?: string
  readonly target?: string
  /** Lines, each with its CRLF. */
  readonly fields?: string
  readonly body?: BodyKind
  readonly length?: number
  /** OPEN_PASSIVE, OPEN_UPGRADE. */
  readonly bits?: number
  /** Of the client, for a linker that asked. */
  readonly addresses?: Addresses
  /** Who hears what comes of it. */
  readonly handler?: TestStream
}

/** One request as its edge sees it. */
export class TestStream implements StreamHandler {
  stream!: Stream
  /** Interim heads, then the final one. */
  readonly heads: string[] = []
  bodyKind: BodyKind | null = null
  /** What HEAD declared. */
  length = 0
  trailers = ''
  receivedBytes = 0
  /** How it ended: 'end', 'reset 5', 'refuse 3', 'lost'; 'end, lost' if only the request went on; '' before. */
  outcome = ''
  /** false: a client that reads nothing. */
  consumes = true
  /** Times write() may go on. */
  writableCount = 0
  readonly #now: () => number
  readonly #chunks: Buffer[] = []
  #onOver: () => void = () => {}
  /** Resolves when the response is over, one way or the other. */
  readonly over = new Promise<void>((resolve) => {
    this.#onOver = resolve
  })

  constructor(now: () => number) {
    this.#now = now
  }

  get text(): string {
    return Buffer.concat(this.#chunks).toString('latin1')
  }

  /** The final head; '' before. */
  get head(): string {
    return this.bodyKind === null ? '' : (this.heads.at(-1) ?? '')
  }

  get status(): number {
    return Number(this.head.slice(9, 12))
  }

  write(text: string): boolean {
    const data = Buffer.from(text, 'latin1')
    return this.stream.write(data, 0, data.length)
  }

  /** Resolves once the response, or what came of it so far, ends with that. */
  receives(text: string): Promise<void> {
    return until(`"${text}" (so far: "${this.text.slice(-200)}", ${this.outcome})`, () =>
      this.text.endsWith(text),
    )
  }

  /** A client that begins to read. */
  consume(): void {
    this.consumes = true
    this.stream.consumed(this.receivedBytes, this.#now())
  }

  onRefuse(reason: number): void {
    this.#end(`refuse ${reason}`)
  }

  onHead(interim: boolean, body: BodyKind, length: number, buffer: Buffer, from: number, to: number): void {
    this.heads.push(buffer.toString('latin1', from, to))
    if (interim) return
    this.bodyKind = body
    this.length = length
  }

  onData(buffer: Buffer, from: number, to: number): void {
    this.#chunks.push(Buffer.from(buffer.subarray(from, to)))
    this.receivedBytes += to - from
    if (this.consumes) this.stream.consumed(to - from, this.#now())
  }

  onTrailers(buffer: Buffer, from: number, to: number): void {
    this.trailers = buffer.toString('latin1', from, to)
  }

  onEnd(): void {
    this.#end('end')
  }

  onWritable(): void {
    this.writableCount++
  }

  onReset(code: number): void {
    this.#end(`reset ${code}`)
  }

  onLost(): void {
    this.#end('lost')
  }

  #end(outcome: string): void {
    if (this.outcome === 'end' && outcome !== 'end') {
      this.outcome = `end, ${outcome}`
      return
    }
    if (this.outcome !== '') throw new Error(`a second end: ${this.outcome}, then ${outcome}`)
    this.outcome = outcome
    this.#onOver()
  }
}
