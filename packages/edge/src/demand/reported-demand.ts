import type { Demand } from '../scale/sum.ts'
import type { AppReport, InstanceReport } from './demand-report.ts'

/** A report that was not repeated within this time counts no more: its edge repeats it each second. */
const LEASE_MS = 3_000
/**
 * Linkers move a free slot to the edge that wants it, and that edge says so with its next report: as long as there are
 * enough for all that is held, what waits elsewhere is no reason to start anything for so long.
 */
const MOVING_MS = 1_000
/** Edges that report on one app; those of edges that were restarted go with their lease. */
const MAX_EDGES = 64

interface Lease {
  readonly report: AppReport
  readonly oldestSinceMs: number
  readonly untilMs: number
}

/** One instance as this edge knows it: its process, and what it has of it. */
export interface OwnInstance {
  readonly instance: string
  readonly slots: number
  readonly busy: number
  /** Whether it is ready and may be given requests. */
  readonly isServing: boolean
  /** Whether it is parked, drains, has failed or has said goodbye: a report by which it is ready is older than that. */
  readonly isOver: boolean
}

/**
 * What the other edges hold of one app, and which instances they see. The demand of an app is the sum of what all edges
 * hold; an instance that several edges see is one, whose slots are counted once:
 *
 *     held       = sum of held over the edges
 *     free slots = sum over instances that are ready at some edge, and not over here,
 *                  of max(0, slots - sum of busy over the edges)
 *
 * A pure state machine.
 */
export class ReportedDemand {
  readonly #leases = new Map<string, Lease>()
  /** As instances() says; null: not known since something has changed. */
  #instances: ReadonlyMap<string, InstanceReport> | null = null
  /** Since when there are free slots for all that is held; Infinity: there are not. */
  #enoughSinceMs = Number.POSITIVE_INFINITY

  /** An edge reports. @returns whether it counts; false: more edges report than may */
  received(edge: string, report: AppReport, nowMs: number): boolean {
    if (!this.#leases.has(edge) && this.#leases.size >= MAX_EDGES) return false
    this.#instances = null
    if (report.held === 0 && report.instances.length === 0) this.#leases.delete(edge)
    else
      this.#leases.set(edge, {
        report,
        oldestSinceMs: nowMs - report.oldestHeldMs,
        untilMs: nowMs + LEASE_MS,
      })
    return true
  }

  /** Forgets what was not repeated. @returns whether there was any */
  expire(nowMs: number): boolean {
    const { size } = this.#leases
    for (const [edge, { untilMs }] of this.#leases) if (nowMs >= untilMs) this.#leases.delete(edge)
    if (this.#leases.size === size) return false
    this.#instances = null
    return true
  }

  nextDeadline(): number {
    let deadline = Number.POSITIVE_INFINITY
    for (const { untilMs } of this.#leases.values()) deadline = Math.min(deadline, untilMs)
    return deadline
  }

  get isEmpty(): boolean {
    return this.#leases.size === 0
  }

  /** By process: what the other edges together say of each instance that they see. */
  instances(): ReadonlyMap<string, InstanceReport> {
    this.#instances ??= this.#merge()
    return this.#instances
  }

  #merge(): Map<string, InstanceReport> {
    const all = new Map<string, InstanceReport>()
    for (const { report } of this.#leases.values()) {
      for (const instance of report.instances) {
        const known = all.get(instance.instance)
        all.set(instance.instance, known === undefined ? instance : merged(known, instance))
      }
    }
    return all
  }

  /** The demand of all edges. @param held at this edge, and @param oldestSinceMs since when; @param own its instances, and those that have left it lately */
  demand(held: number, oldestSinceMs: number, own: Iterable<OwnInstance>, nowMs: number): Demand {
    const elsewhere = this.instances()
    const here = new Set<string>()
    let freeSlots = 0
    for (const { instance, slots, busy, isServing, isOver } of own) {
      const other = elsewhere.get(instance)
      here.add(instance)
      if (isOver) continue
      if (isServing || other?.phase === 'ready') freeSlots += Math.max(0, slots - busy - (other?.busy ?? 0))
    }
    for (const { instance, phase, slots, busy } of elsewhere.values())
      if (phase === 'ready' && !here.has(instance)) freeSlots += Math.max(0, slots - busy)
    let sum = held
    let oldest = held > 0 ? oldestSinceMs : Number.POSITIVE_INFINITY
    for (const { report, oldestSinceMs: sinceMs } of this.#leases.values()) {
      sum += report.held
      if (report.held > 0) oldest = Math.min(oldest, sinceMs)
    }
    if (sum === held || freeSlots < sum) this.#enoughSinceMs = Number.POSITIVE_INFINITY
    else this.#enoughSinceMs = Math.min(this.#enoughSinceMs, nowMs)
    if (nowMs < this.#enoughSinceMs + MOVING_MS && this.#enoughSinceMs <= nowMs)
      return { held, oldestSinceMs, freeSlots }
    return { held: sum, oldestSinceMs: sum > 0 ? oldest : 0, freeSlots }
  }
}

/** Of two edges' views of one instance the first of these holds: one that has heard more says so. */
const PHASES = ['going', 'ready', 'starting', 'parked'] as const

/** Two edges' views of one instance: on its way out for one, it is so for all; ready for one, the application listens. */
function merged(one: InstanceReport, other: InstanceReport): InstanceReport {
  const phases = [one.phase, other.phase]
  return {
    ...other,
    phase: PHASES.find((phase) => phases.includes(phase)) ?? other.phase,
    busy: one.busy + other.busy,
    served: one.served || other.served,
  }
}
