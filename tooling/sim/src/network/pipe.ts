import type { World } from '../machine/world.ts'
import type { Random } from '../random.ts'
import type { Endpoint } from './endpoint.ts'

/** What travels: bytes; the end of them; the end of everything; or that there is room again for more. */
export type Segment =
  | { readonly kind: 'data'; readonly bytes: Buffer }
  | { readonly kind: 'fin' }
  | { readonly kind: 'rst' }
  | { readonly kind: 'room' }

/** How a way through the network behaves. */
export interface PipeProfile {
  readonly minDelayMs: number
  readonly maxDelayMs: number
  /** How likely bytes that were written at once arrive in several pieces. */
  readonly fragments: number
}

const MAX_PIECES = 4

/**
 * One direction of a connection, as TCP has it: bytes arrive in order or not at all, after a while, in other pieces than
 * they were sent in. While it is blocked nothing arrives; what was sent comes when it is not any more.
 */
export class Pipe {
  readonly from: Endpoint
  readonly to: Endpoint
  readonly #world: World
  readonly #random: Random
  readonly #profile: PipeProfile
  #blocks = 0
  /** What is on its way, in order, and when it is there. */
  readonly #queue: { readonly atMs: number; readonly segment: Segment }[] = []
  /** Sees all bytes that are sent, whatever becomes of them. */
  tap: ((bytes: Buffer) => void) | null = null

  constructor(world: World, from: Endpoint, to: Endpoint, profile: PipeProfile) {
    this.from = from
    this.to = to
    this.#world = world
    this.#random = world.randomOf(`${from.process.name} > ${to.process.name}`)
    this.#profile = profile
  }

  get isBlocked(): boolean {
    return this.#blocks > 0
  }

  /** The bytes are the pipe's from now on. */
  send(segment: Segment): void {
    const random = this.#random
    if (segment.kind !== 'data') return this.#travel(segment)
    let { bytes } = segment
    this.tap?.(bytes)
    if (random.chance(this.#profile.fragments)) {
      for (let pieces = random.below(MAX_PIECES); pieces > 0 && bytes.length > 1; pieces--) {
        const at = 1 + random.below(bytes.length - 1)
        this.#travel({ kind: 'data', bytes: bytes.subarray(0, at) })
        bytes = bytes.subarray(at)
      }
    }
    this.#travel({ kind: 'data', bytes })
  }

  /** Nothing arrives from now on, not even what is on its way. Blocks add up. */
  block(): void {
    this.#blocks++
  }

  unblock(): void {
    if (--this.#blocks === 0 && this.#queue.length > 0) this.#deliverAt(this.#world.nowMs, 'unblocked')
  }

  #travel(segment: Segment): void {
    const { minDelayMs, maxDelayMs } = this.#profile
    const delayMs = minDelayMs + this.#random.next() * (maxDelayMs - minDelayMs)
    const last = this.#queue.at(-1)
    const atMs = Math.max(this.#world.nowMs + delayMs, last === undefined ? 0 : last.atMs)
    this.#queue.push({ atMs, segment })
    this.#deliverAt(atMs, segment.kind)
  }

  #deliverAt(atMs: number, label: string): void {
    const deliver = () => this.#deliver()
    // The kernel takes it whether its process runs or not.
    this.#world.at(atMs, this.to.process, label, deliver, deliver)
  }

  #deliver(): void {
    const { nowMs } = this.#world
    while (this.#blocks === 0 && this.#queue.length > 0 && this.#queue[0].atMs <= nowMs) {
      const [{ segment }] = this.#queue.splice(0, 1)
      this.to.arrived(segment)
    }
  }
}
