import { connect, type Socket } from 'node:net'
import {
  type ExpectedResponse,
  type Head,
  type Http1Error,
  type MessageSink,
  ResponseDecoder,
  type ResponseHead,
} from '@brxy/http1'
import type { SocketWriter, WriterOwner } from '@brxy/protocol/transport'

/** Whoever uses a connection: one request at a time. */
interface ConnectionUser {
  onConnected(): void
  /** The kernel has taken everything written so far. */
  onDrained(): void
  /** The connection is over, of a request before its response was: `error` if it did not end by a FIN. */
  onGone(error: Error | null): void
  /** A call of the user threw, which is a bug of ours; the connection is over. */
  onBug(error: unknown): void
}

/** Who sends a request and waits for its response. */
export interface HttpUser extends ConnectionUser, MessageSink<ResponseHead> {
  /** Asked when only the end of the connection says that the response is complete: whether that may be by accident. */
  isCutOff(): boolean
}

/** Who takes the bytes as they are. */
export interface OpaqueUser extends ConnectionUser {
  /** A span that is valid only during the call. */
  onBytes(buffer: Buffer, from: number, to: number): void
  /** The application has ended its direction. onGone(null) follows when the other one is ended as well. */
  onFin(): void
}

/** Where the application listens. */
export interface AppAddress {
  readonly host: string
  readonly port: number
}

/** What one read takes at most. Only the pages that are written to cost memory. */
const READ_BYTES = 64 * 1024
const NOTHING = Buffer.alloc(0)

/**
 * One connection to the application. It decodes responses for its user, or hands it the bytes as they are, and knows
 * whether it may be used again; bytes that nobody asked for end it.
 */
export class AppConnection implements MessageSink<ResponseHead>, WriterOwner {
  readonly socket: Socket
  readonly #writer: SocketWriter
  readonly #onIdleClose: (connection: AppConnection) => void
  readonly #decoder = new ResponseDecoder()
  #readBuffer: Buffer = Buffer.allocUnsafeSlow(READ_BYTES)
  #http: HttpUser | null = null
  #opaque: OpaqueUser | null = null
  /** The body of the response under way ends with the connection. */
  #isUntilClose = false
  /** Whether the response of the request under way has begun. */
  hasAnswered = false
  isConnected = false
  isOver = false
  /** Requests it has served. */
  useCount = 0
  usedSinceMs = 0
  idleSinceMs = 0

  /** @param onIdleClose called when it ends while nobody uses it. */
  constructor(address: AppAddress, writer: SocketWriter, onIdleClose: (connection: AppConnection) => void) {
    this.#writer = writer
    this.#onIdleClose = onIdleClose
    this.socket = connect({
      host: address.host,
      port: address.port,
      noDelay: true,
      allowHalfOpen: true,
      // Reads go into a buffer of ours, and not into a new one of 64 KiB each: less to allocate, less to collect.
      onread: {
        buffer: () => this.#readBuffer,
        callback: (bytes, buffer) => {
          this.#onInput(buffer as Buffer, bytes)
          return true
        },
      },
    })
    // `ready` follows `connect`, when what was written while connecting has gone out.
    this.socket.on('ready', () => {
      this.isConnected = true
      this.#user?.onConnected()
      // The kernel took it before anybody could be told.
      this.onWritten()
    })
    this.socket.on('end', () => this.#onEnd())
    this.socket.on('error', (error) => this.#over(error))
    this.socket.on('close', () => this.#over(null))
  }

  get #user(): ConnectionUser | null {
    return this.#http ?? this.#opaque
  }

  /** Whether everything that was written is with the kernel. */
  get isDrained(): boolean {
    return this.socket.writableLength === 0
  }

  /** What was read last is still referred to: the next read goes into another buffer. */
  keepReadBuffer(): void {
    this.#readBuffer = Buffer.allocUnsafeSlow(READ_BYTES)
  }

  /** Starts a request. Write it with the methods below. */
  use(user: HttpUser, expected: ExpectedResponse, nowMs: number): void {
    this.#http = user
    this.useCount++
    this.usedSinceMs = nowMs
    this.hasAnswered = false
    this.#isUntilClose = false
    this.#decoder.begin(expected)
  }

  /** Carries bytes as they are from now on: of a new connection, or behind a 101, whose user says so in its onHead. */
  carry(user: OpaqueUser, nowMs: number): void {
    this.#http = null
    this.#opaque = user
    this.useCount++
    this.usedSinceMs = nowMs
  }

  /** The request is over and the connection is clean: nobody uses it now. */
  release(nowMs: number): void {
    this.#http = null
    this.idleSinceMs = nowMs
    // The end of the response may still wait in the tunnel, which has paused the reading of it.
    this.socket.resume()
  }

  write(data: Buffer, from: number, to: number): void {
    this.#writer.append(this, data, from, to)
  }

  get writer(): SocketWriter {
    return this.#writer
  }

  /** Nothing more is written; the response may still come. */
  halfClose(): void {
    this.#writer.flush()
    if (!this.isOver) this.socket.end()
  }

  /** Ends it without a word to its user. */
  destroy(): void {
    this.#http = null
    this.#opaque = null
    this.isOver = true
    this.socket.destroy()
  }

  /** Ends it without a word to its user, and by a RST: the application must not take what it got for complete. */
  reset(): void {
    // While it connects, resetAndDestroy() would wait for the application to accept it.
    if (!this.isOver && !this.socket.connecting) this.socket.resetAndDestroy()
    this.destroy()
  }

  readonly onWritten = () => {
    if (!this.isDrained || !this.isConnected) return
    try {
      this.#user?.onDrained()
    } catch (error) {
      this.#onBug(error)
    }
  }

  // --- the decoder's calls, handed on ---

  onHead(head: ResponseHead): void {
    this.#isUntilClose = head.closeDelimited
    this.#http?.onHead(head)
  }

  onData(buffer: Buffer, from: number, to: number): void {
    this.#http?.onData(buffer, from, to)
  }

  onTrailers(fields: Head): void {
    this.#http?.onTrailers(fields)
  }

  onEnd(): void {
    this.#http?.onEnd()
  }

  onError(error: Http1Error): void {
    const user = this.#http
    this.destroy()
    user?.onError(error)
  }

  #onInput(data: Buffer, length: number): void {
    if (this.#user === null) {
      // Bytes without a request: whatever they are, they must not become the answer of the next one.
      this.#idleClose()
      return
    }
    this.hasAnswered = true
    let at = 0
    try {
      while (at < length && this.#http !== null && !this.isOver) {
        at = this.#decoder.push(data, at, length, this)
      }
      if (at < length && this.#opaque !== null) {
        // All of it, or what came right behind a 101.
        this.#opaque.onBytes(data, at, length)
        at = length
      }
    } catch (error) {
      this.#onBug(error)
    }
    // More than the response: the user has finished, and the connection is not clean.
    if (at < length && !this.isOver) this.#idleClose()
  }

  #onEnd(): void {
    if (this.#user === null) {
      this.#idleClose()
      return
    }
    // An application that reads nothing more must not keep its FIN from the client; what waits to be written for it
    // finds out as well.
    const isEnd = this.#isUntilClose || (this.#opaque !== null && this.isDrained)
    if (!isEnd || !this.socket.writable) {
      this.#finish()
      return
    }
    // libuv tells a RST that comes together with the last data as an ordinary end, and then what came is not complete.
    // A write finds out, even one of nothing: the kernel looks for the error first.
    this.socket.write(NOTHING, (error) => {
      if (error) this.#over(error)
      else this.#finish()
    })
  }

  #finish(): void {
    if (this.isOver) return
    if (this.#isUntilClose && this.#http?.isCutOff()) return this.#over(new Error('it is ending'))
    try {
      // Its other direction may go on.
      if (this.#opaque !== null) return this.#opaque.onFin()
      // The decoder says onEnd or onError if that is possible; without an answer there is only the end.
      if (this.hasAnswered) this.#decoder.eof(this)
    } catch (error) {
      this.#onBug(error)
    }
    this.#over(null)
  }

  #idleClose(): void {
    this.destroy()
    this.#onIdleClose(this)
  }

  #over(error: Error | null): void {
    if (this.isOver) {
      this.socket.destroy()
      return
    }
    const user = this.#user
    this.destroy()
    if (user === null) return this.#onIdleClose(this)
    try {
      user.onGone(error)
    } catch (bug) {
      user.onBug(bug)
    }
  }

  /** It ends the exchange, not the process. */
  #onBug(error: unknown): void {
    const user = this.#user
    this.destroy()
    user?.onBug(error)
  }
}
