import type { Hello } from '@brxy/protocol'
import { type TimerWheel, WheelTimer } from '@brxy/protocol/transport'
import type { EdgeEvent } from '../event.ts'
import { LostSessions } from '../hold/lost-sessions.ts'
import type { Instance } from '../tunnel/instance.ts'

/** A request that waits for word of its lost session. Exactly one of these is called, unless it is withdrawn. */
export interface LostRequest {
  /** No application has seen it. */
  onNeverReceived(): void
  /** It may have been served, and nobody will ever tell. */
  onGivenUp(): void
}

/** The requests of an edge that wait until a linker is back and says whether it had received them. */
export class LostRequests {
  readonly #sessions = new LostSessions<LostRequest>()
  readonly #wheel: TimerWheel
  readonly #emit: (event: EdgeEvent) => void
  readonly #timer: WheelTimer

  constructor(wheel: TimerWheel, emit: (event: EdgeEvent) => void) {
    this.#wheel = wheel
    this.#emit = emit
    this.#timer = new WheelTimer((nowMs) => this.#giveUp(this.#sessions.expire(nowMs)))
  }

  /**
   * @param stream that the request was in the instance's session
   * @returns false if it cannot wait, for too many do
   */
  wait(request: LostRequest, { hello, sessionId }: Instance, stream: number, waitMs: number): boolean {
    if (hello === null) return false
    const { route, instance } = hello
    const name = { route, instance, session: sessionId }
    const isWaiting = this.#sessions.wait(request, stream, name, this.#wheel.now() + waitMs)
    this.#arm()
    return isWaiting
  }

  withdraw(request: LostRequest): void {
    this.#sessions.withdraw(request)
  }

  /** A linker is let in. */
  onHello({ route, instance, replaces, received }: Hello): void {
    if (replaces === undefined) return
    const { never, seen } = this.#sessions.returned({ route, instance, session: replaces }, received)
    for (const request of never) this.#tell(() => request.onNeverReceived())
    this.#giveUp(seen)
  }

  /** No linker is let in any more. */
  giveUpAll(): void {
    this.#giveUp(this.#sessions.clear())
  }

  #giveUp(requests: readonly LostRequest[]): void {
    for (const request of requests) this.#tell(() => request.onGivenUp())
    this.#arm()
  }

  /** A bug in one request must not take the others along. */
  #tell(call: () => void): void {
    try {
      call()
    } catch (error) {
      this.#emit({ type: 'bug', error })
    }
  }

  #arm(): void {
    this.#wheel.set(this.#timer, this.#sessions.nextDeadline())
  }
}
