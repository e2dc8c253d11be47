import { connect, type Socket } from 'node:net'
import { type Head, type Http1Error, type MessageSink, ResponseDecoder, type ResponseHead } from '@brxy/http1'
import type { SocketWriter, WriterOwner } from '@brxy/protocol/transport'

/** Whoever uses a connection: one request at a time. */
export interface ConnectionUser extends MessageSink<ResponseHead> {
  onConnected(): void
  /** The kernel has taken everything written so far. */
  onDrained(): void
  /** The connection is over before the response was: `error` if it did not end by a FIN. */
  onGone(error: Error | null): void
}

/** Where the application listens. */
export interface AppAddress {
  readonly host: string
  readonly port: number
}

/**
 * One connection to the application. It decodes responses for its user and knows whether it may be used again;
 * bytes that nobody asked for end it.
 */
export class AppConnection implements MessageSink<ResponseHead>, WriterOwner {
  readonly socket: Socket
  readonly #writer: SocketWriter
  readonly #onIdleClose: (connection: AppConnection) => void
  readonly #decoder = new ResponseDecoder()
  #user: ConnectionUser | null = null
  /** Whether the response of the request under way has begun. */
  hasAnswered = false
  isConnected = false
  isOver = false
  /** Requests it has served. */
  useCount = 0
  idleSinceMs = 0

  /** @param onIdleClose called when it ends while nobody uses it. */
  constructor(address: AppAddress, writer: SocketWriter, onIdleClose: (connection: AppConnection) => void) {
    this.#writer = writer
    this.#onIdleClose = onIdleClose
    this.socket = connect({ host: address.host, port: address.port, noDelay: true, allowHalfOpen: true })
    // `ready` follows `connect`, when what was written while connecting has gone out.
    this.socket.on('ready', () => {
      this.isConnected = true
      this.#user?.onConnected()
      this.onFlushed()
    })
    this.socket.on('data', (data) => this.#onInput(data))
    this.socket.on('drain', () => this.onFlushed())
    this.socket.on('end', () => this.#onEnd())
    this.socket.on('error', (error) => this.#over(error))
    this.socket.on('close', () => this.#over(null))
  }

  /** Starts a request. Write it with the methods below. */
  use(user: ConnectionUser, method: string): void {
    this.#user = user
    this.useCount++
    this.hasAnswered = false
    this.#decoder.begin({ method })
  }

  /** The request is over and the connection is clean: nobody uses it now. */
  release(nowMs: number): void {
    this.#user = null
    this.idleSinceMs = nowMs
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
    this.#user = null
    this.isOver = true
    this.socket.destroy()
  }

  onFlushed(): void {
    if (this.socket.writableLength === 0 && this.isConnected) this.#user?.onDrained()
  }

  // --- the decoder's calls, handed on ---

  onHead(head: ResponseHead): void {
    this.#user?.onHead(head)
  }

  onData(buffer: Buffer, from: number, to: number): void {
    this.#user?.onData(buffer, from, to)
  }

  onTrailers(fields: Head): void {
    this.#user?.onTrailers(fields)
  }

  onEnd(): void {
    this.#user?.onEnd()
  }

  onError(error: Http1Error): void {
    const user = this.#user
    this.destroy()
    user?.onError(error)
  }

  #onInput(data: Buffer): void {
    if (this.#user === null) {
      // Bytes without a request: whatever they are, they must not become the answer of the next one.
      this.#idleClose()
      return
    }
    this.hasAnswered = true
    let at = 0
    while (at < data.length && this.#user !== null && !this.isOver) {
      const used = this.#decoder.push(data, at, data.length, this)
      if (used === at && this.#decoder.idle) break
      at = used
    }
    // More than the response: the user has finished, and the connection is not clean.
    if (at < data.length && !this.isOver) this.#idleClose()
  }

  #onEnd(): void {
    if (this.#user === null) {
      this.#idleClose()
      return
    }
    if (this.hasAnswered) this.#decoder.eof(this)
    // The decoder has said onEnd or onError if that was possible; without an answer there is only the end.
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
    if (user === null) this.#onIdleClose(this)
    else user.onGone(error)
  }
}
