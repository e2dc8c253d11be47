import { type PaceBounds, UploadPace } from './upload-pace.ts'

/** How long an exchange waits; options of its app. */
export interface ExchangeBounds extends PaceBounds {
  /** For the response head, from what was sent to the application last. */
  readonly responseMs: number
  /** For a byte in either direction once the response has begun; 0: for ever. */
  readonly streamIdleMs: number
}

/** What time has run out, and what is to be done about it. */
export type Verdict =
  /** A moment has passed: read on from the held request. */
  | 'read on'
  /** The client is too slow with its body. */
  | 'body'
  /** The application is too slow with its response head. */
  | 'response'
  /** Nothing moves in either direction. */
  | 'stream'

/** Beyond `heldBodyBytes` the body of a held request is read on so slowly, up to so many times as much. */
const HELD_BYTES_PER_MS = 16
const HELD_FACTOR = 4

const HELD = 0
const RUNNING = 1
const ANSWERED = 2

/**
 * What an HTTP exchange waits for at a time, and until when: a moment to read on while it is held, the response head
 * while it runs, any byte once it is answered, and beside each of these the rest of the request body.
 *
 * A state machine: whoever owns a timer asks for `dueMs` and comes back with the time. It only ever moves numbers, so a
 * chunk of a body costs no timer.
 */
export class ExchangeDeadlines {
  readonly #bounds: ExchangeBounds
  /** null: no more of a body is waited for. */
  #pace: UploadPace | null
  /** Whether the body is wanted, however slow it is. */
  #wantsBody: boolean
  readonly #isLengthKnown: boolean
  #state: typeof HELD | typeof RUNNING | typeof ANSWERED = HELD
  /** Of what it waits for beside the body. */
  #waitMs = Number.POSITIVE_INFINITY

  /**
   * @param body 'none', or whether its length is known
   * @param isExpected the client waits for 100 before it sends its body (RFC 9110 10.1.1), which is said at dispatch
   */
  constructor(
    bounds: ExchangeBounds,
    body: 'none' | 'known' | 'unknown',
    isExpected: boolean,
    nowMs: number,
  ) {
    this.#bounds = bounds
    this.#pace = body === 'none' ? null : new UploadPace(bounds)
    this.#isLengthKnown = body === 'known'
    this.#wantsBody = !isExpected
    if (this.#wantsBody) this.#pace?.start(nowMs)
  }

  /** When to ask for a verdict; Infinity: never. It may come to be later until then. */
  get dueMs(): number {
    return this.#pace === null ? this.#waitMs : Math.min(this.#pace.dueMs, this.#waitMs)
  }

  /**
   * It is held, with so much of its body buffered. Beyond a bound it is read slowly, for Node says nothing of a client
   * that has gone while its socket is not read; and then not at all.
   * @param lastReadBytes of the body that came last
   * @returns whether reading has to pause; a verdict says when it goes on
   */
  held(bufferedBytes: number, lastReadBytes: number, heldBodyBytes: number, nowMs: number): boolean {
    this.#state = HELD
    this.#waitMs = Number.POSITIVE_INFINITY
    if (this.#pace === null || bufferedBytes < heldBodyBytes) return false
    if (bufferedBytes < heldBodyBytes * HELD_FACTOR) this.#waitMs = nowMs + lastReadBytes / HELD_BYTES_PER_MS
    return true
  }

  /** It was given to somebody, whose answer is waited for. */
  given(nowMs: number): void {
    this.#state = RUNNING
    this.#waitMs = nowMs + this.#bounds.responseMs
    this.#wantsBody = true
  }

  /** More of the body came. */
  uploaded(bytes: number, nowMs: number): void {
    this.#pace?.received(bytes, nowMs)
    // The application may begin to answer when it has the whole request.
    if (this.#state === RUNNING) this.#waitMs = nowMs + this.#bounds.responseMs
    else if (this.#state === ANSWERED) this.moved(nowMs)
  }

  /** No more of the body is waited for. */
  uploadEnded(): void {
    this.#pace = null
  }

  /** The client is kept from sending. */
  paused(nowMs: number): void {
    this.#pace?.stop(nowMs)
  }

  /** The client may send. */
  resumed(nowMs: number): void {
    if (this.#wantsBody) this.#pace?.start(nowMs)
  }

  /** The response head came. */
  answered(nowMs: number): void {
    this.#state = ANSWERED
    // A body without a length may be one side of a conversation (gRPC), in which it is the other one's turn.
    if (!this.#isLengthKnown) this.#pace = null
    this.moved(nowMs)
  }

  /** Bytes of the response have reached the client. */
  moved(nowMs: number): void {
    const { streamIdleMs } = this.#bounds
    this.#waitMs = streamIdleMs === 0 ? Number.POSITIVE_INFINITY : nowMs + streamIdleMs
  }

  /** @returns what is due; null: nothing yet, see `dueMs` */
  verdict(nowMs: number): Verdict | null {
    if (this.#pace !== null && this.#pace.dueMs <= nowMs) return 'body'
    if (this.#waitMs > nowMs) return null
    if (this.#state === HELD) {
      this.#waitMs = Number.POSITIVE_INFINITY
      return 'read on'
    }
    return this.#state === RUNNING ? 'response' : 'stream'
  }
}
