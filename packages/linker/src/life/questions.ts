/** What an instance asks an edge (brxy.v1 LEAVE, REPLACE), which answers with GO or STAY. */
export type Question = 'leave' | 'replace'

/** What was asked in one session. */
interface Asked {
  /** Questions without an answer. More than one when the instance stayed because another edge wanted it. */
  unanswered: number
  last: Question | null
  /** GO to the last LEAVE. */
  agrees: boolean
}

/**
 * The questions that each edge was asked. It answers each one, in the order in which they were asked (brxy.v1), so
 * counting tells which one is meant; an answer to any but the last has been overtaken. A pure state machine.
 */
export class Questions<E> {
  readonly #edges = new Map<E, Asked>()

  /** Edges with a session. */
  get edges(): Iterable<E> {
    return this.#edges.keys()
  }

  get edgeCount(): number {
    return this.#edges.size
  }

  /** A session is up. */
  opened(edge: E): void {
    this.#edges.set(edge, { unanswered: 0, last: null, agrees: false })
  }

  /** A session is over, and with it what was asked in it. */
  closed(edge: E): void {
    this.#edges.delete(edge)
  }

  /** Whether an answer is to come. */
  isAsked(edge: E): boolean {
    return (this.#edges.get(edge)?.unanswered ?? 0) > 0
  }

  ask(edge: E, question: Question): void {
    const asked = this.#edges.get(edge)
    if (asked === undefined) return
    asked.unanswered++
    asked.last = question
    asked.agrees = false
  }

  /** @returns the question that is answered; null if it was overtaken by another one, or nothing was asked */
  answered(edge: E, go: boolean): Question | null {
    const asked = this.#edges.get(edge)
    if (asked === undefined || asked.unanswered === 0 || --asked.unanswered > 0) return null
    asked.agrees = go && asked.last === 'leave'
    return asked.last
  }

  /** Whether every edge said GO to the last LEAVE; true without any edge. */
  get allAgree(): boolean {
    for (const { agrees } of this.#edges.values()) if (!agrees) return false
    return true
  }
}
