import { Duplex } from 'node:stream'
import { theWorld } from '../machine/globals.ts'
import type { Endpoint, EndpointUser } from '../network/endpoint.ts'

/** Reads into a buffer of the owner's, as net.Socket has it. */
interface OnRead {
  readonly buffer: Buffer | (() => Buffer)
  readonly callback: (bytes: number, buffer: Buffer) => boolean
}

export interface ConnectOptions {
  readonly host?: string
  readonly port: number
  readonly allowHalfOpen?: boolean
  readonly noDelay?: boolean
  readonly onread?: OnRead
}

/**
 * A net.Socket on the simulated network. The stream under it is Node's own, with its high water marks, corks, and ways to
 * end; only the kernel is simulated.
 */
export class SimSocket extends Duplex implements EndpointUser {
  connecting = false
  remoteAddress: string | undefined
  readonly #onread: OnRead | null
  #endpoint: Endpoint | null = null
  /** What waits for the connection, or for room in the kernel. */
  #pending: (() => void) | null = null
  #isPausedByOwner = false
  #hasFin = false
  #timeout: unknown = null

  constructor(options: { readonly allowHalfOpen?: boolean; readonly onread?: OnRead } = {}) {
    super({ allowHalfOpen: options.allowHalfOpen ?? false, decodeStrings: true })
    this.#onread = options.onread ?? null
  }

  /** The connection is there. */
  attach(endpoint: Endpoint): this {
    this.#endpoint = endpoint
    this.connecting = false
    this.remoteAddress = endpoint.peer.process.host
    endpoint.use(this)
    return this
  }

  /** What only a simulation can tell: the process at the other end has closed it, whether that is known here or not. */
  get peerHasClosed(): boolean {
    return this.destroyed || (this.#endpoint?.peer.isClosed ?? false)
  }

  connect({ host = '127.0.0.1', port }: ConnectOptions): this {
    const world = theWorld()
    const { current: process } = world
    if (process === null) throw new Error('somebody outside of the world connects')
    this.connecting = true
    const socket = this
    world.network.dial(
      {
        process,
        get isGivenUp() {
          return socket.destroyed
        },
        onConnected: (endpoint) => this.#onConnected(endpoint),
        onRefused: () => this.destroy(systemError('ECONNREFUSED', `connect ECONNREFUSED ${host}:${port}`)),
      },
      host,
      port,
    )
    return this
  }

  #onConnected(endpoint: Endpoint): void {
    this.attach(endpoint)
    this.emit('connect')
    this.#proceed()
    this.emit('ready')
    if (this.#onread !== null || this.readableFlowing) this.#startReading()
  }

  // --- the stream ---

  override _read(): void {
    this.#startReading()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error) => void): void {
    const endpoint = this.#endpoint
    if (endpoint === null) {
      this.#pending = () => this._write(chunk, _encoding, done)
      return
    }
    if (endpoint.hasRoom) {
      endpoint.write(chunk)
      done()
      return
    }
    // The kernel has not taken it: until it does the buffer is still read.
    this.#pending = () => this._write(chunk, _encoding, done)
    endpoint.awaitRoom()
  }

  override _writev(chunks: { chunk: Buffer }[], done: (error?: Error) => void): void {
    const bytes = () => Buffer.concat(chunks.map(({ chunk }) => chunk))
    if (this.#endpoint?.hasRoom === true) this._write(bytes(), 'utf8', done)
    else if (this.#endpoint === null) this.#pending = () => this._writev(chunks, done)
    else {
      this.#pending = () => this._writev(chunks, done)
      this.#endpoint.awaitRoom()
    }
  }

  override _final(done: (error?: Error) => void): void {
    if (this.#endpoint === null && this.connecting) {
      this.#pending = () => this._final(done)
      return
    }
    this.#endpoint?.finish()
    done()
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    this.connecting = false
    this.#pending = null
    this.setTimeout(0)
    this.#endpoint?.close()
    done(error)
  }

  override pause(): this {
    this.#isPausedByOwner = true
    if (this.#onread !== null) this.#endpoint?.stopReading()
    return super.pause()
  }

  override resume(): this {
    this.#isPausedByOwner = false
    if (this.#onread !== null) this.#startReading()
    return super.resume()
  }

  #startReading(): void {
    if (this.#onread === null || !this.#isPausedByOwner) this.#endpoint?.startReading()
  }

  // --- the kernel (EndpointUser) ---

  onBytes(bytes: Buffer): void {
    if (this.#onread !== null) return this.#intoBuffer(bytes, this.#onread)
    if (!this.#hasFin && !this.push(bytes)) this.#endpoint?.stopReading()
  }

  onFin(): void {
    // A connection that was cut from outside may bring its own as well.
    if (this.#hasFin) return
    this.#hasFin = true
    this.push(null)
    // Nobody may be reading, and it has to be told all the same.
    this.read(0)
  }

  onBroken(code: string): void {
    this.destroy(systemError(code, `read ${code}`))
  }

  onRoom(): void {
    this.#proceed()
  }

  #intoBuffer(bytes: Buffer, { buffer, callback }: OnRead): void {
    for (let at = 0; at < bytes.length && !this.destroyed; ) {
      const into = typeof buffer === 'function' ? buffer() : buffer
      const taken = bytes.copy(into, 0, at)
      at += taken
      if (!callback(taken, into)) this.pause()
    }
  }

  #proceed(): void {
    const pending = this.#pending
    this.#pending = null
    pending?.()
  }

  // --- what net.Socket has beside its stream ---

  resetAndDestroy(): this {
    this.#endpoint?.reset()
    return this.destroy()
  }

  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  setTimeout(ms: number): this {
    clearTimeout(this.#timeout as NodeJS.Timeout)
    this.#timeout = ms === 0 ? null : setTimeout(() => this.emit('timeout'), ms)
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }
}

/** As net.connect() with options. */
export function connect(options: ConnectOptions): SimSocket {
  return new SimSocket(options).connect(options)
}

/** An error as the kernel's come through Node. */
export function systemError(code: string, message: string): NodeJS.ErrnoException {
  return Object.assign(new Error(message), { code })
}
