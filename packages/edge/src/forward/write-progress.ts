import type { Socket } from 'node:net'
import type { TimerLimits } from './client-timer.ts'
import { WriteStall } from './write-stall.ts'

/** A mark is a whole number: the writes in its upper part, and in its lower part bytes, of which there are fewer. */
const WRITE = 2 ** 40
const WRITES = 2 ** 12

/** Looks at how a client's socket takes what is written to it, and tells WriteStall. */
export class WriteProgress {
  /** When to look next; Infinity: nobody waits for the client. */
  lookMs = Number.POSITIVE_INFINITY
  readonly #socket: Socket
  readonly #limits: TimerLimits
  readonly #stall = new WriteStall()
  #writes = 0

  constructor(socket: Socket, limits: TimerLimits) {
    this.#socket = socket
    this.#limits = limits
  }

  /** The kernel has taken a whole write. */
  readonly onWritten = () => {
    this.#writes++
  }

  /** What is written from now on has to be taken. */
  begin(nowMs: number): void {
    this.#stall.look(0, nowMs)
    this.lookMs = nowMs + WriteStall.lookMs(this.#limits.options.timeouts.writeStallMs)
  }

  end(): void {
    this.lookMs = Number.POSITIVE_INFINITY
  }

  /** @returns whether the client is `stuck` (`timeouts.writeStall`), has taken something since the last look, or `waits` for more */
  look(nowMs: number): 'stuck' | 'takes' | 'waits' {
    const { writeStallMs } = this.#limits.options.timeouts
    const mark = this.#mark()
    const isStill = this.#stall.look(mark, nowMs)
    this.lookMs = nowMs + WriteStall.lookMs(writeStallMs)
    if (mark === 0) return 'waits'
    if (this.#stall.isStuck(writeStallMs, nowMs)) return 'stuck'
    return isStill ? 'waits' : 'takes'
  }

  /**
   * Node puts everything that has gathered into one write, which may be a whole window, and says when all of it is with
   * the kernel. How far it has come is known to the handle alone, which Node asks as well (for socket.setTimeout); should
   * it not say so any more, a client that takes one write for longer than a stall may last is taken for stuck.
   */
  #mark(): number {
    if (this.#socket.writableLength === 0) return 0
    return 1 + queuedBytes(this.#socket as unknown as NodeSocket) + (this.#writes % WRITES) * WRITE
  }
}

/** What Node keeps for itself. */
interface NodeSocket {
  readonly _handle?: { readonly writeQueueSize?: number } | null
  /** Of a TLS socket: the connection under it. */
  readonly _parent?: NodeSocket | null
}

function queuedBytes(socket: NodeSocket): number {
  const { _handle: handle } = socket._parent ?? socket
  return handle?.writeQueueSize ?? 0
}
