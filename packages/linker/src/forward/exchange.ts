import { type LinkerSession, REFUSE, type Stream } from '@brxy/protocol'
import { WheelTimer } from '@brxy/protocol/transport'
import type { Forwarder } from './forwarder.ts'

/**
 * One request at the application, whatever it speaks, from the OPEN until its slot is free: a stream of the tunnel, a
 * connection to the application, and at most one wait with a bound at a time.
 */
export abstract class Exchange {
  protected readonly forwarder: Forwarder
  protected readonly session: LinkerSession
  protected readonly stream: Stream
  /** It is a probe: its slot is a slot, but it is no activity. */
  protected readonly isPassive: boolean
  /** Made when first needed: most requests wait for nothing. */
  #timer: WheelTimer | null = null
  #isFreed = false
  /** The client is gone, and the application may still be computing: the slot is taken until it is done. */
  protected lingers = false

  constructor(forwarder: Forwarder, session: LinkerSession, stream: Stream, isPassive: boolean) {
    this.forwarder = forwarder
    this.session = session
    this.stream = stream
    this.isPassive = isPassive
  }

  /** Ends the connection to the application, or this exchange's part in it, if it still has one. */
  protected abstract disconnect(): void
  /** What was waited for did not come in time. */
  protected abstract onTimeout(): void
  /** A call of ours threw: the exchange is over, and not the process. */
  abstract onBug(error: unknown): void

  protected get isFreed(): boolean {
    return this.#isFreed
  }

  /** The exchange cannot be completed. @param reason for the operator */
  fail(reset: number, reason: string): void {
    this.forwarder.events.onBadResponse(reason)
    this.stream.reset(reset)
    this.close()
  }

  /** The application never saw the request: another instance may have it. */
  protected giveBack(): void {
    this.session.refuse(this.stream, REFUSE.INSTANCE)
    this.forwarder.events.onUnreachable(this.session)
    this.close()
  }

  /** Waits for this long, and for nothing else. */
  protected setTimer(ms: number): void {
    const { wheel } = this.forwarder
    this.#timer ??= new WheelTimer(() => {
      try {
        this.onTimeout()
      } catch (bug) {
        this.onBug(bug)
      }
    })
    wheel.set(this.#timer, wheel.now() + ms)
  }

  /** Waits for the application, on behalf of its slot only, and no longer than this. */
  protected linger(ms: number): void {
    this.lingers = true
    this.forwarder.lingeringCount++
    this.setTimer(ms)
  }

  protected clearTimer(): void {
    if (this.#timer !== null) this.forwarder.wheel.clear(this.#timer)
  }

  /** Ends what it still has of the application, and frees the slot. */
  protected close(): void {
    this.disconnect()
    this.free()
  }

  protected free(): void {
    if (this.#isFreed) return
    this.#isFreed = true
    if (this.lingers) this.forwarder.lingeringCount--
    this.clearTimer()
    this.forwarder.events.onFreed(this.isPassive)
  }
}
