import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import {
  type Addresses,
  BODY_KNOWN,
  BODY_NONE,
  BODY_UNKNOWN,
  type BodyKind,
  DEFAULT_WINDOW_BUDGET_BYTES,
  LinkerSession,
  type LinkerSessionHandler,
  OPEN_PASSIVE,
  OPEN_UPGRADE,
  type OpenRequest,
  type SessionEnd,
  type Stream,
  type StreamHandler,
  type StreamKind,
  SUBPROTOCOL,
  type Welcome,
  WindowBudget,
} from '@brxy/protocol'
import { TimerWheel, Tunnel } from '@brxy/protocol/transport'
import { WebSocket } from 'ws'
import { eventually, within } from './eventually.testkit.ts'

/** What a scripted linker says in HELLO and does by itself. */
export interface LinkerScript {
  readonly token: string
  readonly route?: string
  readonly slots?: number
  readonly phase?: 'starting' | 'ready' | 'parked'
  readonly launch?: string
  readonly instance?: string
  /** The platform's name for it. */
  readonly platform?: string
  /** What it asks for in HELLO. */
  readonly features?: readonly string[]
  readonly replaces?: string
  /** Highest stream that the replaced session saw (default 0); null: HELLO does not say. */
  readonly received?: number | null
  /** Grants lent after WELCOME; default: as many as slots. */
  readonly grants?: number
  /** Whether a slot is lent again after its request; default true. */
  readonly regrants?: boolean
  /** Whether request bodies are taken; false: the windows close. Default true. */
  readonly takesBodies?: boolean
}

/** The edge would not have this linker. */
export class LinkerRefused extends Error {
  readonly status: number
  readonly body: string

  constructor(status: number, body: string) {
    super(`the edge answered ${status}: ${body}`)
    this.status = status
    this.body = body
  }
}

let linkers = 0

/** The other end of a tunnel, real but for the application: it answers as the test says. */
export class ScriptedLinker implements LinkerSessionHandler {
  readonly script: LinkerScript
  readonly instance: string
  readonly wheel = new TimerWheel()
  readonly requests: ScriptedRequest[] = []
  readonly verdicts: boolean[] = []
  readonly bugs: unknown[] = []
  session!: LinkerSession
  welcome: Welcome | null = null
  end: SessionEnd | null = null
  demand = 0
  /** RECALLs so far. */
  recalls = 0
  drained = false
  #socket!: WebSocket
  #next = 0

  private constructor(script: LinkerScript) {
    this.script = script
    this.instance = script.instance ?? `${++linkers}`.padStart(32, '0')
  }

  /** Resolves when the edge has welcomed it. @throws LinkerRefused, or what REJECT said */
  static async dial(url: string, script: LinkerScript): Promise<ScriptedLinker> {
    const linker = await ScriptedLinker.open(url, script)
    await eventually('WELCOME', () => linker.welcome !== null || linker.end !== null)
    if (linker.end !== null) throw Object.assign(new Error(linker.end.message), linker.end)
    return linker
  }

  /** Resolves when the WebSocket is open and HELLO is out. @throws LinkerRefused */
  static async open(url: string, script: LinkerScript): Promise<ScriptedLinker> {
    const linker = new ScriptedLinker(script)
    const socket = new WebSocket(url, SUBPROTOCOL, {
      perMessageDeflate: false,
      ...(script.token === '' ? {} : { headers: { authorization: `Bearer ${script.token}` } }),
    })
    linker.#socket = socket
    await within(
      'the upgrade',
      new Promise<void>((resolve, reject) => {
        let stream: Socket
        socket.on('error', reject)
        socket.on('upgrade', (response) => {
          stream = response.socket
        })
        socket.on('unexpected-response', (_request, response: IncomingMessage) => {
          let body = ''
          response.on('data', (data) => {
            body += data
          })
          response.on('end', () => reject(new LinkerRefused(response.statusCode ?? 0, body)))
        })
        socket.on('open', () => {
          linker.#onOpen(socket, stream)
          resolve()
        })
      }),
    )
    return linker
  }

  #onOpen(socket: WebSocket, stream: Socket): void {
    const {
      route = 'shop',
      slots = 1,
      phase = 'ready',
      launch,
      platform,
      replaces,
      received = 0,
    } = this.script
    const { features = [] } = this.script
    const budget = new WindowBudget(DEFAULT_WINDOW_BUDGET_BYTES)
    this.session = new LinkerSession(
      this,
      {
        route,
        slots,
        phase,
        features,
        instance: this.instance,
        labels: {},
        ...(launch === undefined ? {} : { launch }),
        ...(platform === undefined ? {} : { platform }),
        ...(replaces === undefined ? {} : { replaces }),
        ...(replaces === undefined || received === null ? {} : { received }),
      },
      { budget, random: Math.random, nowMs: this.wheel.now() },
    )
    new Tunnel(socket, stream, this.session, this.wheel, { onBug: (error) => void this.bugs.push(error) })
  }

  /** The next request that nobody has asked for yet. */
  async next(): Promise<ScriptedRequest> {
    const index = this.#next++
    return eventually('a request', () => this.requests[index])
  }

  /** Says goodbye as a linker does that has left, and resolves when the session is over. */
  async leave(): Promise<void> {
    this.session.goaway('link/left', 'left', false)
    await this.gone()
  }

  /** The connection is cut without a word. */
  cut(): void {
    this.#socket.terminate()
  }

  /** Nothing of what the edge sends is read from now on. */
  pause(): void {
    this.#socket.pause()
  }

  resume(): void {
    this.#socket.resume()
  }

  /** Resolves when the edge has heard of it. */
  async gone(): Promise<void> {
    const { readyState } = this.#socket
    if (readyState === WebSocket.CLOSED) return
    await within('the close', new Promise<void>((resolve) => this.#socket.once('close', () => resolve())))
  }

  close(): void {
    this.#socket?.terminate()
    this.wheel.close()
  }

  /** A slot is lent, or lent again. */
  grant(count = 1): void {
    if (this.session.isOpen) this.session.grant(count)
  }

  // --- LinkerSessionHandler ---

  onWelcome(welcome: Welcome): void {
    this.welcome = welcome
    const { phase = 'ready', slots = 1 } = this.script
    const { grants = phase === 'parked' ? 0 : slots } = this.script
    if (grants > 0) this.session.grant(grants)
  }

  onToken(): void {}

  admit(): number {
    return 0
  }

  onOpen(stream: Stream, open: OpenRequest): void {
    const request = new ScriptedRequest(this, stream, open)
    stream.handler = request
    this.requests.push(request)
  }

  onReturn(): void {}

  onDemand(count: number): void {
    this.demand = count
  }

  onVerdict(go: boolean): void {
    this.verdicts.push(go)
  }

  onRecall(): void {
    this.recalls++
  }

  onDrain(): void {
    this.drained = true
  }

  onClosed(end: SessionEnd): void {
    this.end = end
  }
}

/** One request, as the linker got it, and the ways to answer it. */
export class ScriptedRequest implements StreamHandler {
  readonly bodyKind: BodyKind
  readonly length: number
  readonly kind: StreamKind
  readonly isUpgrade: boolean
  readonly isPassive: boolean
  /** The canonical head. */
  readonly head: string
  /** Of the client, for a linker that asked for them. */
  readonly addresses: Addresses | null
  /** Bytes of the body that came, taken or not. */
  bodyBytes = 0
  trailers = ''
  ended = false
  resetCode: number | null = null
  lost = false
  readonly #linker: ScriptedLinker
  readonly #stream: Stream
  #takesBody: boolean
  /** Joined when somebody looks. */
  #body: Buffer[] = []

  constructor(linker: ScriptedLinker, stream: Stream, open: OpenRequest) {
    this.#linker = linker
    this.#stream = stream
    this.#takesBody = linker.script.takesBodies !== false
    this.bodyKind = open.body
    this.length = open.length
    this.kind = open.kind
    this.isUpgrade = (open.bits & OPEN_UPGRADE) !== 0
    this.isPassive = (open.bits & OPEN_PASSIVE) !== 0
    this.addresses = open.addresses
    this.head = open.buffer.toString('latin1', open.from, open.to)
  }

  /** The bytes of the body that were taken. */
  get body(): Buffer {
    if (this.#body.length !== 1) this.#body = [Buffer.concat(this.#body)]
    return this.#body[0]
  }

  /** A whole response of known length. @param fields complete lines */
  respond(body = '', status = '200 OK', fields = ''): void {
    this.sendHead(`HTTP/1.1 ${status}\r\n${fields}\r\n`, body === '' ? BODY_NONE : BODY_KNOWN, body.length)
    if (body !== '') this.write(body)
    this.done()
  }

  /** @param head canonical. @param length of the body, or what it would be for HEAD and 304 */
  sendHead(head: string, body: BodyKind = BODY_UNKNOWN, length = 0, isInterim = false): void {
    const { session } = this.#linker
    session.beginHead(this.#stream, isInterim, body, length)
    session.commitHead(session.headAt + session.batch.slab.write(head, session.headAt, 'latin1'))
  }

  interim(head: string): void {
    this.sendHead(head, BODY_NONE, 0, true)
  }

  /** @returns false when some of it waits for the window */
  write(data: string | Buffer): boolean {
    const buffer = typeof data === 'string' ? Buffer.from(data, 'latin1') : data
    return this.#stream.write(buffer, 0, buffer.length)
  }

  /** Ends the response. @param trailers complete lines */
  finish(trailers = ''): void {
    this.#stream.end(trailers === '' ? null : Buffer.from(trailers, 'latin1'))
    this.done()
  }

  /** The slot is free again. */
  done(): void {
    if (this.#linker.script.regrants !== false) this.#linker.grant()
  }

  reset(code: number): void {
    this.#stream.reset(code)
  }

  refuse(reason: number): void {
    this.#linker.session.refuse(this.#stream, reason)
  }

  /** Response bytes that wait for window or transport. */
  get waitingBytes(): number {
    return this.#stream.waitingBytes
  }

  /** Takes what came and was left lying, and everything from now on. */
  takeAll(): void {
    this.#takesBody = true
    this.take(this.bodyBytes)
  }

  /** Takes what came and was left lying. */
  take(bytes: number): void {
    this.#stream.consumed(bytes, this.#linker.wheel.now())
    // Something has to carry the WINDOW frame out: it is in the batch, and the batch leaves by itself.
  }

  // --- StreamHandler ---

  onRefuse(): void {}

  onHead(): void {}

  onData(buffer: Buffer, from: number, to: number): void {
    this.bodyBytes += to - from
    if (!this.#takesBody) return
    this.#body.push(Buffer.from(buffer.subarray(from, to)))
    this.#stream.consumed(to - from, this.#linker.wheel.now())
  }

  onTrailers(buffer: Buffer, from: number, to: number): void {
    this.trailers = buffer.toString('latin1', from, to)
  }

  onEnd(): void {
    this.ended = true
  }

  onWritable(): void {}

  onReset(code: number): void {
    this.resetCode = code
  }

  onLost(): void {
    this.lost = true
  }
}
