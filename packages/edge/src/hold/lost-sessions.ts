import { assert } from '@brxy/protocol'

/** Requests that wait for word of a lost session; further ones are not waited for. No session is kept without one. */
export const MAX_LOST_REQUESTS = 10_000

/** A session, as the HELLO that replaces it must name it. */
export interface SessionName {
  readonly route: string
  /** Of the linker process: 128 random bits that only it and the edge know. */
  readonly instance: string
  /** Id that WELCOME gave it. */
  readonly session: string
}

/** What a HELLO says of the session that it replaces. */
export interface Return<R> {
  /** They never reached the linker: no application has seen them. */
  readonly never: readonly R[]
  /** They did; or the linker does not say. */
  readonly seen: readonly R[]
}

interface LostSession<R> {
  readonly name: SessionName
  readonly untilMs: number
  /** With the ids of their streams. */
  readonly requests: Map<R, number>
}

/**
 * Requests that must not run twice, whose tunnel died, and of which only the linker knows whether they reached it: they
 * wait until a HELLO of the same linker process `replaces` the session and says what that had `received` (brxy.v1).
 *
 *     wait -> returned: never (send it again) | seen (it may have run: give it up)
 *          -> expire: nobody came in time: give it up
 *          -> withdraw: its client has left
 *
 * A pure state machine. Each request that waits has exactly one of these outcomes, and is forgotten with it.
 */
export class LostSessions<R> {
  readonly #maxRequests: number
  readonly #sessions = new Map<string, LostSession<R>>()
  readonly #sessionOf = new Map<R, LostSession<R>>()
  /** Nothing is due before; perhaps nothing is due then either. */
  #earliestMs = Number.POSITIVE_INFINITY

  constructor(maxRequests: number = MAX_LOST_REQUESTS) {
    this.#maxRequests = maxRequests
  }

  /** Requests that wait. */
  get count(): number {
    return this.#sessionOf.size
  }

  /** Sessions whose requests wait. */
  get sessionCount(): number {
    return this.#sessions.size
  }

  /**
   * @param stream the id that the request had in the session
   * @param untilMs the same for all requests of a session, which were lost together; the first one decides
   * @returns false if too many wait, and nothing changed
   */
  wait(request: R, stream: number, name: SessionName, untilMs: number): boolean {
    assert(!this.#sessionOf.has(request), 'a request waits for one session')
    if (this.#sessionOf.size >= this.#maxRequests) return false
    let session = this.#sessions.get(name.session)
    if (session === undefined) {
      session = { name, untilMs, requests: new Map() }
      this.#sessions.set(name.session, session)
      this.#earliestMs = Math.min(this.#earliestMs, untilMs)
    }
    session.requests.set(request, stream)
    this.#sessionOf.set(request, session)
    return true
  }

  /** The request waits no longer. Nothing happens if it did not wait. */
  withdraw(request: R): void {
    const session = this.#sessionOf.get(request)
    if (session === undefined) return
    this.#sessionOf.delete(request)
    session.requests.delete(request)
    if (session.requests.size === 0) this.#sessions.delete(session.name.session)
  }

  /**
   * A linker is back. It is believed about its own sessions only: one that another process had, or that was for another
   * route, is none of its business, whatever it says.
   * @param name of the session that its HELLO replaces
   * @param received highest stream that the session has seen; undefined: the linker does not say
   */
  returned({ route, instance, session: id }: SessionName, received: number | undefined): Return<R> {
    const never: R[] = []
    const seen: R[] = []
    const session = this.#sessions.get(id)
    if (session?.name.route !== route || session.name.instance !== instance) return { never, seen }
    for (const [request, stream] of session.requests) {
      if (received !== undefined && stream > received) never.push(request)
      else seen.push(request)
    }
    this.#forget(session)
    return { never, seen }
  }

  /** When expire() must be called at the latest; Infinity when nobody waits. */
  nextDeadline(): number {
    return this.#sessions.size === 0 ? Number.POSITIVE_INFINITY : this.#earliestMs
  }

  /** @returns those for which nobody came in time */
  expire(nowMs: number): R[] {
    const over: R[] = []
    if (nowMs < this.#earliestMs) return over
    this.#earliestMs = Number.POSITIVE_INFINITY
    for (const session of this.#sessions.values()) {
      if (session.untilMs > nowMs) {
        this.#earliestMs = Math.min(this.#earliestMs, session.untilMs)
        continue
      }
      over.push(...session.requests.keys())
      this.#forget(session)
    }
    return over
  }

  /** Nobody will come any more. @returns all that waited */
  clear(): R[] {
    const over = [...this.#sessionOf.keys()]
    this.#sessions.clear()
    this.#sessionOf.clear()
    this.#earliestMs = Number.POSITIVE_INFINITY
    return over
  }

  #forget(session: LostSession<R>): void {
    this.#sessions.delete(session.name.session)
    for (const request of session.requests.keys()) this.#sessionOf.delete(request)
  }
}
