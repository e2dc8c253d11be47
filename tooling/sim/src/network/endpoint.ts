import type { SimProcess } from '../machine/process.ts'
import type { World } from '../machine/world.ts'
import type { Pipe, Segment } from './pipe.ts'

/** Who uses an endpoint: the simulated socket. Called while its process runs. */
export interface EndpointUser {
  /** Bytes that it holds back because there is no room. */
  readonly writableLength: number
  onBytes(bytes: Buffer): void
  onFin(): void
  /** @param code as of an error of Node: ECONNRESET, EPIPE */
  onBroken(code: string): void
  /** There is room for more, after write() said that there is none. */
  onRoom(): void
}

/** What one read takes at most, as Node's does. */
const READ_BYTES = 64 * 1024

/**
 * The kernel's end of a connection: what has come and was not read, and how much of what was sent the other side has not
 * read yet. It lives whether its process runs or not.
 */
export class Endpoint {
  readonly process: SimProcess
  readonly #world: World
  /** Bytes that the two kernels hold for one direction, before a writer has to wait. */
  readonly #capacityBytes: number
  #out: Pipe | null = null
  #user: EndpointUser | null = null
  #inbox: Segment[] = []
  /** Sent, and not read by the peer's process. */
  #unreadBytes = 0
  #wantsRoom = false
  #isReading = false
  #hasSentFin = false
  /** Nobody uses it any more: what still comes is answered by a RST. */
  isClosed = false

  constructor(world: World, process: SimProcess, capacityBytes: number) {
    this.#world = world
    this.process = process
    this.#capacityBytes = capacityBytes
    process.endpoints.add(this)
  }

  /** @param out its way to the peer */
  connect(out: Pipe): void {
    this.#out = out
  }

  get peer(): Endpoint {
    return this.pipe.to
  }

  get pipe(): Pipe {
    if (this.#out === null) throw new Error('an endpoint is used before it is connected')
    return this.#out
  }

  use(user: EndpointUser): void {
    this.#user = user
  }

  get hasRoom(): boolean {
    return this.#unreadBytes < this.#capacityBytes
  }

  /** Bytes that its process has written and that the kernel has not taken. */
  get waitingBytes(): number {
    return this.#user?.writableLength ?? 0
  }

  /** Bytes that came and were not read. */
  get inboxBytes(): number {
    let bytes = 0
    for (const segment of this.#inbox) if (segment.kind === 'data') bytes += segment.bytes.length
    return bytes
  }

  /** A copy is sent, for the writer may use its buffer again. */
  write(bytes: Buffer): void {
    if (this.isClosed) return
    // The peer's RST is found by whoever writes, also if nobody reads.
    if (this.#inbox.some(({ kind }) => kind === 'rst')) return this.#broken('EPIPE')
    this.#unreadBytes += bytes.length
    this.pipe.send({ kind: 'data', bytes: Buffer.from(bytes) })
  }

  /** onRoom() is called when there is. */
  awaitRoom(): void {
    this.#wantsRoom = true
  }

  /** No more bytes follow. */
  finish(): void {
    if (this.#hasSentFin || this.isClosed) return
    this.#hasSentFin = true
    this.pipe.send({ kind: 'fin' })
  }

  /** The process closes it. What came and was not read is lost, which the peer hears as a RST (RFC 1122 4.2.2.13). */
  close(): void {
    if (this.isClosed) return
    if (this.inboxBytes > 0) return this.reset()
    this.finish()
    this.#forget()
  }

  reset(): void {
    if (this.isClosed) return
    this.#forget()
    this.pipe.send({ kind: 'rst' })
  }

  /** Its machine is gone: nothing is sent, nothing arrives. */
  vanish(): void {
    this.#forget()
    this.pipe.block()
    this.peer.pipe.block()
  }

  startReading(): void {
    if (this.#isReading) return
    this.#isReading = true
    // Never from within the call that asks for it, as little as an event loop would.
    if (this.#inbox.length > 0) this.#wakeLater()
  }

  stopReading(): void {
    this.#isReading = false
  }

  /** Its process goes on after a stop. */
  wake(): void {
    if (this.#inbox.length > 0 || this.#wantsRoom) this.#wakeLater()
  }

  #wakeLater(): void {
    this.#world.at(this.#world.nowMs, this.process, 'read', () => this.#deliver())
  }

  /** The network brings something. */
  arrived(segment: Segment): void {
    if (this.isClosed) {
      if (segment.kind === 'data') this.pipe.send({ kind: 'rst' })
      return
    }
    if (segment.kind === 'room') return this.#room()
    this.#inbox.push(segment)
    this.#deliver()
  }

  #room(): void {
    if (!this.#wantsRoom || !this.hasRoom || !this.process.isRunning) return
    this.#wantsRoom = false
    this.#user?.onRoom()
  }

  /** Hands on what has come, in order, as long as its process reads. */
  #deliver(): void {
    this.#room()
    while (this.#inbox.length > 0 && this.process.isRunning && this.#user !== null) {
      if (!this.#isReading) return
      const [first] = this.#inbox
      if (first.kind === 'data') {
        this.#user.onBytes(this.#takeBytes())
        continue
      }
      this.#inbox.shift()
      if (first.kind === 'fin') this.#user.onFin()
      else this.#broken('ECONNRESET')
    }
  }

  /** What one read of the process gets: all that is there, up to a bound. */
  #takeBytes(): Buffer {
    const parts: Buffer[] = []
    let size = 0
    for (let next = this.#inbox[0]; next?.kind === 'data' && size < READ_BYTES; next = this.#inbox[0]) {
      this.#inbox.shift()
      const take = Math.min(next.bytes.length, READ_BYTES - size)
      parts.push(next.bytes.subarray(0, take))
      size += take
      if (take < next.bytes.length) this.#inbox.unshift({ kind: 'data', bytes: next.bytes.subarray(take) })
    }
    this.peer.#wasRead(size, this.pipe)
    return parts.length === 1 ? parts[0] : Buffer.concat(parts)
  }

  /** @param back the way on which its writer, if one waits, is told */
  #wasRead(bytes: number, back: Pipe): void {
    this.#unreadBytes -= bytes
    if (this.#wantsRoom && this.hasRoom && !this.isClosed) back.send({ kind: 'room' })
  }

  #broken(code: string): void {
    this.#forget()
    this.#user?.onBroken(code)
  }

  #forget(): void {
    this.isClosed = true
    this.#inbox.length = 0
    this.process.endpoints.delete(this)
  }
}
