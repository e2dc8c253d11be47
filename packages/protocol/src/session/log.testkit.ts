import { BODY_UNKNOWN, type BodyKind, KIND_HTTP } from '../frame.ts'
import type { Hello, Status, Welcome } from '../message.ts'
import type { EdgeSession, EdgeSessionHandler } from './edge-session.ts'
import type { LinkerSession, LinkerSessionHandler, OpenRequest } from './linker-session.ts'
import type { SessionEnd } from './session.ts'
import type { Arrival, Stream, StreamHandler } from './stream.ts'

/** Writes down what a stream's owner is told, in order; bytes are copied and joined. */
export class StreamLog implements StreamHandler {
  readonly events: string[] = []
  readonly now: () => number
  stream: Stream | null = null
  /** Consumes what comes at once; false is a stuck reader. */
  consumes = true
  unconsumedBytes = 0
  receivedBytes = 0
  isEndSent = false
  #chunks: Buffer[] = []
  /** Called within the event, for tests that come back into the session. */
  readonly hooks: Partial<
    Record<'head' | 'data' | 'trailers' | 'end' | 'writable' | 'reset' | 'lost', () => void>
  > = {}

  constructor(now: () => number) {
    this.now = now
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  /** The events that are not DATA. */
  get shape(): string {
    return this.events.filter((event) => event !== 'data').join(' ')
  }

  consume(bytes = this.unconsumedBytes): void {
    this.unconsumedBytes -= bytes
    this.stream?.consumed(bytes, this.now())
  }

  onRefuse(reason: number): void {
    this.events.push(`refuse-${reason}`)
  }

  onHead(interim: boolean, body: BodyKind, length: number, buffer: Buffer, from: number, to: number): void {
    const kind = interim ? 'interim' : 'head'
    this.events.push(`${kind}(${body},${length},${buffer.toString('latin1', from, to)})`)
    this.hooks.head?.()
  }

  onData(buffer: Buffer, from: number, to: number): void {
    if (this.events.at(-1) !== 'data') this.events.push('data')
    this.#chunks.push(Buffer.from(buffer.subarray(from, to)))
    this.receivedBytes += to - from
    this.unconsumedBytes += to - from
    if (this.consumes) this.consume()
    this.hooks.data?.()
  }

  onTrailers(buffer: Buffer, from: number, to: number): void {
    this.events.push(`trailers(${buffer.toString('latin1', from, to)})`)
    this.hooks.trailers?.()
  }

  onEnd(): void {
    this.events.push('end')
    this.hooks.end?.()
  }

  onWritable(): void {
    this.events.push('writable')
    this.hooks.writable?.()
  }

  onEndSent(): void {
    this.isEndSent = true
  }

  onReset(code: number): void {
    this.events.push(`reset-${code}`)
    this.hooks.reset?.()
  }

  onLost(_arrival: Arrival): void {
    this.events.push('lost')
    this.hooks.lost?.()
  }
}

/** What every edge of these tests answers. */
export const WELCOME: Omit<Welcome, 'version' | 'features' | 'windowBytes'> = {
  session: 's-1',
  edge: 'e-1',
  edges: [],
  leave: 'exit',
  reconnectSpreadMs: 0,
}

/** What every linker of these tests says. */
export const HELLO: Omit<Hello, 'versions' | 'features' | 'windowBytes'> = {
  route: 'shop.example',
  instance: '0123456789abcdef',
  phase: 'ready',
  slots: 1,
  labels: {},
}

/** An edge's owner that accepts each HELLO and writes down the rest. */
export class EdgeLog implements EdgeSessionHandler {
  readonly events: string[] = []
  session: EdgeSession | null = null
  accepts = true
  end: SessionEnd | null = null

  onHello(hello: Hello): void {
    this.events.push(`hello ${hello.route}`)
    if (this.accepts) this.session?.accept(WELCOME)
  }

  onStatus(status: Status): void {
    this.events.push(`status ${status.phase}`)
  }

  onGrant(count: number): void {
    this.events.push(`grant ${count}`)
  }

  onUngrant(count: number): void {
    this.events.push(`ungrant ${count}`)
  }

  onLeave(): void {
    this.events.push('leave')
  }

  onReplace(): void {
    this.events.push('replace')
  }

  onSuspect(suspect: boolean): void {
    this.events.push(suspect ? 'suspect' : 'heard')
  }

  onDrain(): void {
    this.events.push('drain')
  }

  onClosed(end: SessionEnd): void {
    this.events.push(`closed ${end.code}`)
    this.end = end
  }
}

/** A linker's owner that admits each OPEN (or refuses it with `refusal`) and writes down the rest. */
export class LinkerLog implements LinkerSessionHandler {
  readonly events: string[] = []
  readonly opens: {
    readonly stream: Stream
    readonly log: StreamLog
    readonly open: OpenRequest
    readonly head: string
  }[] = []
  readonly now: () => number
  session: LinkerSession | null = null
  refusal = 0
  /** New streams are read at once. */
  consumes = true
  returned = 0
  end: SessionEnd | null = null
  onOpened: ((stream: Stream, log: StreamLog) => void) | null = null

  constructor(now: () => number) {
    this.now = now
  }

  admit(): number {
    return this.refusal
  }

  onOpen(stream: Stream, open: OpenRequest): void {
    const log = new StreamLog(this.now)
    log.stream = stream
    log.consumes = this.consumes
    stream.handler = log
    this.opens.push({ stream, log, open, head: open.buffer.toString('latin1', open.from, open.to) })
    this.onOpened?.(stream, log)
  }

  onWelcome(welcome: Welcome): void {
    this.events.push(`welcome ${welcome.session}`)
  }

  onToken(token: string): void {
    this.events.push(`token ${token}`)
  }

  onReturn(count: number): void {
    this.returned += count
    this.events.push(`return ${count}`)
  }

  onDemand(count: number): void {
    this.events.push(`demand ${count}`)
  }

  onVerdict(go: boolean): void {
    this.events.push(go ? 'go' : 'stay')
  }

  onRecall(): void {
    this.events.push('recall')
  }

  onDrain(): void {
    this.events.push('drain')
  }

  onClosed(end: SessionEnd): void {
    this.events.push(`closed ${end.code}`)
    this.end = end
  }
}

/** Sends an OPEN with this head. */
export function openStream(
  session: EdgeSession,
  log: StreamLog,
  {
    kind = KIND_HTTP,
    body = BODY_UNKNOWN,
    bits = 0,
    length = 0,
    head = '',
    addresses = null,
  }: Partial<OpenShape> = {},
): Stream {
  const stream = session.beginOpen(log, kind, body, bits, length, head.length, addresses)
  log.stream = stream
  session.commitOpen(session.headAt + session.batch.slab.write(head, session.headAt, 'latin1'))
  return stream
}

export interface OpenShape {
  kind: 1 | 2
  body: BodyKind
  bits: number
  length: number
  head: string
  addresses: Buffer | null
}

/** Sends a HEAD with this head. */
export function sendHead(
  session: LinkerSession,
  stream: Stream,
  { interim = false, body = BODY_UNKNOWN as BodyKind, length = 0, head = '' } = {},
): void {
  session.beginHead(stream, interim, body, length)
  session.commitHead(session.headAt + session.batch.slab.write(head, session.headAt, 'latin1'))
}
