/** What a writer needs of a stream socket. */
export interface WritableSocket {
  readonly destroyed: boolean
  readonly writableLength: number
  cork(): void
  uncork(): void
  /** `onWritten` is called in a later callback, when the kernel has taken the bytes. */
  write(data: Buffer, onWritten: () => void): boolean
}

/** Who writes to a socket through a SocketWriter. */
export interface WriterOwner {
  readonly socket: WritableSocket
  /**
   * Called after each write, once the kernel has taken it (never from within this writer). Not an event of the
   * socket: `drain` does not come for what stays below its high water mark.
   */
  readonly onWritten: () => void
}

const BUFFER_BYTES = 64 * 1024
/** Larger pieces are written by reference instead of being copied together. */
const COPY_BYTES = 4 * 1024

/**
 * Gathers the small writes of one socket into one: a head, a chunk header and a short body leave in a single
 * system call. One buffer serves all sockets of a process, one at a time: whoever writes next flushes the one
 * before, and what is left goes out at the end of the current callback.
 */
export class SocketWriter {
  #buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES)
  #start = 0
  #at = 0
  #owner: WriterOwner | null = null
  #scheduled = false
  #isReferenced = false
  readonly #onTick = () => {
    this.#scheduled = false
    this.flush()
  }

  /** Where room() and advance() write. */
  get buffer(): Buffer {
    return this.#buffer
  }

  /** Makes room for `bytes` more of this owner's and returns the offset in `buffer`; advance() says how many came. */
  room(owner: WriterOwner, bytes: number): number {
    if (this.#owner !== owner) {
      this.flush()
      this.#owner = owner
      if (!this.#scheduled) {
        this.#scheduled = true
        process.nextTick(this.#onTick)
      }
    }
    if (this.#at + bytes > this.#buffer.length) this.#renew(bytes)
    return this.#at
  }

  advance(to: number): void {
    this.#at = to
  }

  /** Appends source[from..to), copied if it is short, else by reference. */
  append(owner: WriterOwner, source: Buffer, from: number, to: number): void {
    if (to - from <= COPY_BYTES) {
      const at = this.room(owner, to - from)
      source.copy(this.#buffer, at, from, to)
      this.#at = at + to - from
      return
    }
    this.room(owner, 0)
    const { socket } = owner
    socket.cork()
    this.#write(owner)
    if (!socket.destroyed) socket.write(source.subarray(from, to), owner.onWritten)
    socket.uncork()
    this.#reuse(socket)
  }

  /** Hands what was gathered to its socket. */
  flush(): void {
    const owner = this.#owner
    if (owner === null) return
    this.#owner = null
    this.#write(owner)
    this.#reuse(owner.socket)
  }

  #write({ socket, onWritten }: WriterOwner): void {
    if (this.#at > this.#start && !socket.destroyed) {
      socket.write(this.#buffer.subarray(this.#start, this.#at), onWritten)
    }
    this.#start = this.#at
  }

  /**
   * An empty queue means that the kernel has the bytes: the buffer starts anew. A buffer that some socket still
   * refers to is only written behind what it refers to, and dropped when it is full.
   */
  #reuse(socket: WritableSocket): void {
    if (socket.writableLength > 0) this.#isReferenced = true
    if (this.#isReferenced) return
    this.#start = 0
    this.#at = 0
  }

  /** A new buffer, with what was gathered and not yet written moved over. */
  #renew(bytes: number): void {
    const gathered = this.#buffer.subarray(this.#start, this.#at)
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(BUFFER_BYTES, bytes + gathered.length))
    gathered.copy(this.#buffer, 0)
    this.#isReferenced = false
    this.#start = 0
    this.#at = gathered.length
  }
}
