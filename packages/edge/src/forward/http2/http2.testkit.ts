import {
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type ClientSessionRequestOptions,
  connect,
  constants,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type SecureClientSessionOptions,
} from 'node:http2'
import { RawClient } from '../../client.testkit.ts'
import { eventually } from '../../eventually.testkit.ts'

/** A client of HTTP/2, by node:http2: without TLS, with prior knowledge, unless options have a `ca`. */
export class Http2Client {
  readonly session: ClientHttp2Session
  error: NodeJS.ErrnoException | null = null
  /** Last stream that the server serves, when it has said so. */
  goaway: { readonly code: number; readonly lastStreamId: number } | null = null

  constructor(port: number, options: SecureClientSessionOptions = {}) {
    const scheme = options.ca === undefined ? 'http' : 'https'
    this.session = connect(`${scheme}://127.0.0.1:${port}`, { servername: 'shop', ...options })
    this.session.on('error', (error) => {
      this.error = error
    })
    this.session.on('goaway', (code, lastStreamId) => {
      this.goaway ??= { code, lastStreamId }
    })
  }

  /** Sends a request; without a body unless `endStream` is false. */
  ask(fields: OutgoingHttpHeaders = {}, options: ClientSessionRequestOptions = {}): Http2Call {
    return new Http2Call(this.session.request({ ':authority': 'shop', ...fields }, options))
  }

  /** Begins a request whose body follows. */
  post(fields: OutgoingHttpHeaders = {}, options: ClientSessionRequestOptions = {}): Http2Call {
    return this.ask({ ':method': 'POST', ...fields }, { endStream: false, ...options })
  }

  /** Resolves when the connection is closed. */
  async closed(): Promise<this> {
    await eventually('the end of the connection', () => this.session.destroyed)
    return this
  }

  close(): void {
    this.session.destroy()
  }
}

/** One request and what came back. */
export class Http2Call {
  readonly stream: ClientHttp2Stream
  fields: IncomingHttpHeaders = {}
  readonly interim: IncomingHttpHeaders[] = []
  trailers: IncomingHttpHeaders | null = null
  /** END_STREAM came with the head. */
  isHeadOnly = false
  /** END_STREAM came: the response is complete. */
  isEnded = false
  isClosed = false
  isContinued = false
  receivedBytes = 0
  readonly #chunks: Buffer[] = []

  constructor(stream: ClientHttp2Stream) {
    this.stream = stream
    stream.on('continue', () => {
      this.isContinued = true
    })
    stream.on('headers', (fields) => void this.interim.push(fields))
    stream.on('response', (fields, flags) => {
      this.fields = fields
      this.isHeadOnly = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0
    })
    stream.on('data', (data: Buffer) => {
      this.receivedBytes += data.length
      this.#chunks.push(data)
    })
    stream.on('trailers', (fields) => {
      this.trailers = fields
    })
    stream.on('end', () => {
      // Node ends a stream that was reset as well.
      this.isEnded = stream.rstCode === constants.NGHTTP2_NO_ERROR
    })
    stream.on('error', () => {})
    stream.on('close', () => {
      this.isClosed = true
    })
  }

  /** 0 before the head. */
  get status(): number {
    return Number(this.fields[':status'] ?? 0)
  }

  get body(): Buffer {
    return Buffer.concat(this.#chunks)
  }

  get text(): string {
    return this.body.toString('latin1')
  }

  /** How the stream was reset; NO_ERROR (0) if it was not. */
  get resetCode(): number {
    return this.stream.rstCode
  }

  send(data: string | Buffer): this {
    this.stream.write(data)
    return this
  }

  end(data?: string | Buffer): this {
    this.stream.end(data)
    return this
  }

  /** Gives up. */
  cancel(code: number = constants.NGHTTP2_CANCEL): this {
    this.stream.close(code)
    return this
  }

  /** Resolves when a head has come. */
  async head(): Promise<this> {
    await eventually('a response head', () => this.status !== 0 || this.isClosed)
    return this
  }

  /** Resolves when the stream is over, well or not. */
  async over(): Promise<this> {
    await eventually(`the end of the stream, after ${this.status}`, () => this.isClosed)
    return this
  }

  /** Resolves when so much of the body has come. */
  async until(text: string): Promise<this> {
    await eventually(`${text}, after ${this.text}`, () => this.text.includes(text))
    return this
  }
}

/** Types of frames, RFC 9113 6. */
export const FRAME = {
  DATA: 0,
  HEADERS: 1,
  RST_STREAM: 3,
  SETTINGS: 4,
  PING: 6,
  GOAWAY: 7,
  WINDOW_UPDATE: 8,
  CONTINUATION: 9,
} as const
export const END_STREAM = 1
export const END_HEADERS = 4
export const PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

/** A client of HTTP/2 that writes its frames itself, as no library would. */
export class RawHttp2 extends RawClient {
  /** Says what every client says first. */
  greet(): this {
    return this.send(PREFACE).frame(FRAME.SETTINGS, 0, 0)
  }

  frame(type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): this {
    return this.send(encodeFrame(type, flags, stream, payload))
  }

  headers(stream: number, fields: readonly (readonly [string, string])[], flags = END_STREAM): this {
    return this.frame(FRAME.HEADERS, flags | END_HEADERS, stream, encodeFields(fields))
  }

  /** GET, as it should be, with more fields. */
  request(stream: number, more: readonly (readonly [string, string])[] = [], flags = END_STREAM): this {
    return this.headers(stream, [...GET, ...more], flags)
  }

  /** Resets one stream. */
  cancel(stream: number, code = 8): this {
    return this.frame(FRAME.RST_STREAM, 0, stream, uint32(code))
  }

  /** All complete frames so far. */
  get frames(): Frame[] {
    const { received } = this
    const frames: Frame[] = []
    for (let at = 0; at + 9 <= received.length; ) {
      const end = at + 9 + received.readUIntBE(at, 3)
      if (end > received.length) break
      const [type, flags, stream] = [received[at + 3], received[at + 4], received.readUInt32BE(at + 5)]
      frames.push({ type, flags, stream, payload: received.subarray(at + 9, end) })
      at = end
    }
    return frames
  }

  /** Those of one type, or of one stream as well. */
  of(type: number, stream?: number): Frame[] {
    return this.frames.filter(
      (each) => each.type === type && (stream === undefined || each.stream === stream),
    )
  }

  /** Resolves with the first frame of a type. */
  async next(type: number, stream?: number): Promise<Frame> {
    return eventually(`a frame of type ${type}`, () => this.of(type, stream)[0])
  }

  /** Resolves with how the server answered a request: `400`, or `reset 1`. */
  async answerTo(stream: number): Promise<string> {
    const frame = await eventually(
      `an answer to stream ${stream}`,
      () => this.of(FRAME.HEADERS, stream)[0] ?? this.of(FRAME.RST_STREAM, stream)[0],
    )
    if (frame.type === FRAME.RST_STREAM) return `reset ${frame.payload.readUInt32BE(0)}`
    return STATUSES.get(frame.payload[0]) ?? 'another status'
  }
}

/** What HPACK's static table has for a status (RFC 7541 A); the server writes it first. */
const STATUSES: ReadonlyMap<number | undefined, string> = new Map([
  [0x88, '200'],
  [0x89, '204'],
  [0x8b, '304'],
  [0x8c, '400'],
  [0x8d, '404'],
  [0x8e, '500'],
])

export const GET: readonly (readonly [string, string])[] = [
  [':method', 'GET'],
  [':scheme', 'http'],
  [':authority', 'shop'],
  [':path', '/'],
]

export function encodeFrame(type: number, flags: number, stream: number, payload: Buffer): Buffer {
  const head = Buffer.alloc(9)
  head.writeUIntBE(payload.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

/** Literals that are not indexed, without Huffman coding (RFC 7541 6.2.2). */
export function encodeFields(fields: readonly (readonly [string, string])[]): Buffer {
  return Buffer.concat(
    fields.flatMap(([name, value]) => [Buffer.from([0]), hpackString(name), hpackString(value)]),
  )
}

function hpackString(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  if (bytes.length < 127) return Buffer.concat([Buffer.from([bytes.length]), bytes])
  const length = [127]
  let rest = bytes.length - 127
  for (; rest >= 128; rest = Math.floor(rest / 128)) length.push((rest % 128) + 128)
  return Buffer.concat([Buffer.from([...length, rest]), bytes])
}

export function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
