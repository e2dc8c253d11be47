import type { Instance, Problem } from '@brxy/scaler'

/**
 * Where an instance is in its life, as the scaling controller sees it.
 *
 *     asked -> starting -> ready -> asking -> leaving -> gone
 *                 \          \---------------/   ^
 *                  \----> lost (back by reconnecting, or gone)
 */
export type Phase = 'asked' | 'starting' | 'ready' | 'asking' | 'leaving' | 'lost' | 'gone'

/** One instance or launch of an app. */
export interface Member {
  /** The launch id, or the instance id of a linker that was started by hand. */
  readonly key: string
  /** Whether an edge launched it. */
  readonly launched: boolean
  /** The number people see: `shop/3`. */
  readonly copy: number
  readonly createdMs: number
  phase: Phase
  /** When it entered its phase. */
  sinceMs: number
  deadlineMs: number
  slots: number
  hasServed: boolean
  /** The platform's view, once observed. */
  instance: Instance | null
  /** The platform's latest complaint, the reason given if the launch times out. */
  problem: Problem | null
}

/** Whether it may yet become ready without anything new being launched. */
export function isStarting(member: Member): boolean {
  return member.phase === 'asked' || member.phase === 'starting' || member.phase === 'lost'
}

/** The instances of one app. Small (bounded by `max`), so counting walks over it. */
export class Members {
  readonly #byKey = new Map<string, Member>()

  get(key: string): Member | undefined {
    return this.#byKey.get(key)
  }

  add(key: string, launched: boolean, copy: number, nowMs: number): Member {
    const member: Member = {
      key,
      launched,
      copy,
      createdMs: nowMs,
      phase: 'asked',
      sinceMs: nowMs,
      deadlineMs: Number.POSITIVE_INFINITY,
      slots: 0,
      hasServed: false,
      instance: null,
      problem: null,
    }
    this.#byKey.set(key, member)
    return member
  }

  delete(member: Member): void {
    this.#byKey.delete(member.key)
  }

  enter(member: Member, phase: Phase, nowMs: number): void {
    member.phase = phase
    member.sinceMs = nowMs
    // Order of entering is order of the map: whoever asked to leave first is judged first.
    if (phase === 'asking') {
      this.#byKey.delete(member.key)
      this.#byKey.set(member.key, member)
    }
  }

  /** total: connected and starting, what `max` bounds. ready: may be given requests. */
  count(): { total: number; starting: number; ready: number } {
    let total = 0
    let starting = 0
    let ready = 0
    for (const member of this.#byKey.values()) {
      if (member.phase === 'gone') continue
      total++
      if (isStarting(member)) starting++
      else if (member.phase === 'ready') ready++
    }
    return { total, starting, ready }
  }

  *inOrderOf(phase: Phase): Iterable<Member> {
    for (const member of [...this.#byKey.values()]) if (member.phase === phase) yield member
  }

  [Symbol.iterator](): Iterator<Member> {
    return this.#byKey.values()
  }
}
