import { connect, type Socket } from 'node:net'
import {
  BODY_KNOWN,
  BODY_NONE,
  BODY_UNKNOWN,
  type BodyKind,
  CRLF,
  encodeFields,
  FIELD,
  fieldSet,
  type Head,
  type Http1Error,
  LAST_CHUNK,
  type MessageSink,
  parseCanonicalRequest,
  RequestHead,
  ResponseDecoder,
  type ResponseHead,
  roomFor,
  writeAppRequest,
  writeCanonicalResponse,
  writeChunkHead,
} from '@brxy/http1'
import { assert, RESET, type StreamHandler } from '@brxy/protocol'
import type { Address } from '../address.ts'
import type { Outlet } from './outlet.ts'

/** Requests of one app at its fallback at a time; each has a connection of its own. */
export const MAX_FALLBACK_REQUESTS = 1_000
/** A server that has not accepted the connection by then is not there. */
const CONNECT_MS = 5_000
/** Response bytes that the client has not taken; while there are as many, no more are read. */
export const MAX_UNCONSUMED_BYTES = 256 * 1024
/** Room that a chunk header needs at most. */
const CHUNK_HEAD_BYTES = 16

/** Not for clients. */
const DROPPED = fieldSet(FIELD.BRXY_SLOTS, FIELD.BRXY_OTHER)

/** One request for the fallback, as it would be opened at an instance. */
export interface FallbackOpen {
  readonly body: BodyKind
  /** Bytes of a known body; not looked at otherwise. */
  readonly length: number
  /** The canonical head (brxy.v1) is bytes [0, headLength); copied. */
  readonly head: Buffer
  readonly headLength: number
}

/**
 * The HTTP/1.1 server that gets the requests which an app cannot serve in time. Each goes over a connection of its own,
 * for a fallback is not the way to be fast on: nothing idle is kept, so that no request meets a connection that has
 * just died and there is nothing to close. A request ends with its response, or with whoever resets it.
 */
export class Fallback {
  readonly host: string
  readonly port: number
  readonly #onBug: (error: unknown) => void
  #count = 0

  /**
   * @param address without a host: this machine
   * @param onBug hears of what a handler threw
   */
  constructor({ host, port }: Address, onBug: (error: unknown) => void) {
    this.host = host ?? 'localhost'
    this.port = port
    this.#onBug = onBug
  }

  /** Requests under way. */
  get count(): number {
    return this.#count
  }

  /**
   * Sends a request there.
   * @param handler hears the response, or onReset: `APP_CLOSED` if there is nobody or the connection broke,
   *   `APP_PROTOCOL` for what is not HTTP
   * @returns null when {@link MAX_FALLBACK_REQUESTS} are under way
   */
  open(handler: StreamHandler, open: FallbackOpen): FallbackRequest | null {
    if (this.#count >= MAX_FALLBACK_REQUESTS) return null
    const request = new FallbackRequest(this, handler, open, {
      onOver: () => {
        this.#count--
      },
      onBug: this.#onBug,
    })
    this.#count++
    return request
  }
}

interface FallbackEvents {
  onOver(): void
  onBug(error: unknown): void
}

/** One request at the fallback: its connection, from the dial to the last byte of the response. */
export class FallbackRequest implements Outlet, MessageSink<ResponseHead> {
  answered = false
  readonly #handler: StreamHandler
  readonly #events: FallbackEvents
  readonly #socket: Socket
  readonly #decoder = new ResponseDecoder()
  readonly #isChunked: boolean
  /** Body bytes that the declared length still allows. */
  #left: number
  #requestEnded: boolean
  /** The body of the response ends with the connection. */
  #isUntilClose = false
  #unconsumedBytes = 0
  #over = false

  constructor(
    { host, port }: { readonly host: string; readonly port: number },
    handler: StreamHandler,
    open: FallbackOpen,
    events: FallbackEvents,
  ) {
    const head = parseCanonicalRequest(open.head, 0, open.headLength, new RequestHead())
    this.#handler = handler
    this.#events = events
    this.#isChunked = open.body === BODY_UNKNOWN
    this.#left = open.body === BODY_KNOWN ? open.length : 0
    this.#requestEnded = !this.#isChunked && this.#left === 0
    this.#decoder.begin({ method: head.method })
    // A half-closed connection would have some servers stop computing: ours is ended by the end of the response.
    this.#socket = connect({ host, port, noDelay: true, allowHalfOpen: true })
    this.#socket.setTimeout(CONNECT_MS)
    this.#socket.write(encodeHead(head, open))
    this.#listen()
  }

  get localEnd(): boolean {
    return this.#requestEnded || this.#over
  }

  /** What waits does so in the socket, which ends with the response. */
  get endSent(): boolean {
    return this.localEnd
  }

  write(buffer: Buffer, from: number, to: number): boolean {
    if (this.localEnd || from === to) return true
    if (this.#isChunked) {
      this.#socket.write(encodeChunk(buffer, from, to))
    } else {
      assert(to - from <= this.#left, 'the body is within the declared length')
      this.#left -= to - from
      this.#requestEnded = this.#left === 0
      this.#socket.write(buffer.subarray(from, to))
    }
    return !this.#socket.writableNeedDrain
  }

  end(trailers: Buffer | null): void {
    if (this.localEnd) return
    // Fewer bytes than declared: the server must not take the body for complete.
    if (this.#left > 0) return this.reset()
    this.#requestEnded = true
    if (trailers === null || trailers.length === 0) this.#socket.write(LAST_CHUNK)
    else this.#socket.write(Buffer.concat([LAST_CHUNK.subarray(0, 3), trailers, CRLF]))
  }

  reset(): void {
    if (this.#over) return
    this.#over = true
    this.#socket.destroy()
    this.#events.onOver()
  }

  consumed(bytes: number): void {
    this.#unconsumedBytes -= bytes
    if (this.#over || this.#unconsumedBytes > MAX_UNCONSUMED_BYTES / 2) return
    if (this.#socket.isPaused()) this.#socket.resume()
  }

  // --- from the decoder ---

  onHead(head: ResponseHead): void {
    // 100 was the edge's own to say.
    if (head.interim && head.status === 100) return
    const out = Buffer.allocUnsafe(roomFor(head, null))
    const length = writeCanonicalResponse(head, DROPPED, null, out, 0)
    if (head.interim) {
      this.#handler.onHead(true, BODY_NONE, 0, out, 0, length)
      return
    }
    this.#isUntilClose = head.closeDelimited
    this.#handler.onHead(false, head.bodyKind, Math.max(0, head.bodyLength), out, 0, length)
  }

  onData(buffer: Buffer, from: number, to: number): void {
    this.#unconsumedBytes += to - from
    if (this.#unconsumedBytes > MAX_UNCONSUMED_BYTES) this.#socket.pause()
    this.#handler.onData(buffer, from, to)
  }

  onTrailers(fields: Head): void {
    const out = Buffer.allocUnsafe(fields.fieldsEnd - fields.fieldsStart)
    const length = encodeFields(fields, out, 0)
    if (length > 0) this.#handler.onTrailers(out, 0, length)
  }

  onEnd(): void {
    this.reset()
    this.#handler.onEnd()
  }

  onError({ code }: Http1Error): void {
    this.#fail(code === 'http1/incomplete' ? RESET.APP_CLOSED : RESET.APP_PROTOCOL)
  }

  // --- from the socket ---

  #listen(): void {
    const socket = this.#socket
    socket.on('connect', () => socket.setTimeout(0))
    socket.on('data', (data) => this.#guard(() => this.#onInput(data)))
    socket.on('drain', () => this.#guard(() => this.#onDrain()))
    socket.on('end', () => this.#guard(() => this.#onFin()))
    for (const event of ['timeout', 'error', 'close']) {
      socket.on(event, () => this.#guard(() => this.#fail(RESET.APP_CLOSED)))
    }
  }

  #onInput(data: Buffer): void {
    this.answered = true
    // The handler may reset in any call, and what comes after a complete response belongs to nobody.
    for (let at = 0; at < data.length && !this.#over; ) at = this.#decoder.push(data, at, data.length, this)
  }

  #onDrain(): void {
    if (!this.localEnd) this.#handler.onWritable()
  }

  #onFin(): void {
    if (this.#over) return
    if (!this.#isUntilClose) return this.#decoder.eof(this)
    // A RST right behind the last data looks like a FIN; a write finds out, and the body is not complete then. Who has
    // only ended its direction ignores an empty line (RFC 9112 2.2).
    this.#socket.write(CRLF, (error) => {
      this.#guard(() => {
        if (this.#over) return
        if (error) this.#fail(RESET.APP_CLOSED)
        else this.#decoder.eof(this)
      })
    })
  }

  #fail(code: number): void {
    if (this.#over) return
    this.reset()
    this.#handler.onReset(code)
  }

  /** A handler that throws is a bug of ours. It ends this request, not the process. */
  #guard(step: () => void): void {
    try {
      step()
    } catch (error) {
      this.#events.onBug(error)
      if (!this.#over) this.#guard(() => this.#fail(RESET.INTERNAL))
    }
  }
}

/** The head with framing made anew. An upgrade is not forwarded: the fallback sees an ordinary request. */
function encodeHead(head: RequestHead, { body, length }: FallbackOpen): Buffer {
  const out = Buffer.allocUnsafe(roomFor(head, null))
  const framing = {
    bodyKind: body,
    bodyLength: body === BODY_KNOWN ? length : 0,
    keepAlive: false,
    teTrailers: head.teTrailers,
  }
  return out.subarray(0, writeAppRequest(head, framing, null, null, out, 0))
}

function encodeChunk(buffer: Buffer, from: number, to: number): Buffer {
  const out = Buffer.allocUnsafe(CHUNK_HEAD_BYTES + to - from + CRLF.length)
  const at = writeChunkHead(to - from, out, 0)
  buffer.copy(out, at, from, to)
  CRLF.copy(out, at + to - from)
  return out.subarray(0, at + to - from + CRLF.length)
}
