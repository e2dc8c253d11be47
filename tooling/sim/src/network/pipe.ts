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
  #lastArrivalMs = 0
  #blocks = 0
  /** What was on its way when it was blocked, and behind it what was sent since. */
  readonly #stuck: Segment[] = []
  readonly #waiting: Segment[] = []
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
    if (segment.kind === 'data') this.tap?.(segment.bytes)
    if (this.#blocks > 0) this.#waiting.push(segment)
    else this.#travel(segment)
  }

  /** Nothing arrives from now on, not even what is on its way. Blocks add up. */
  block(): void {
    this.#blocks++
  }

  unblock(): void {
    if (--this.#blocks > 0) return
    for (const segment of this.#stuck.splice(0)) this.#schedule(segment)
    for (const segment of this.#waiting.splice(0)) this.#travel(segment)
  }

  #travel(segment: Segment): void {
    const random = this.#random
    if (segment.kind === 'data' && segment.bytes.length > 1 && random.chance(this.#profile.fragments)) {
      let { bytes } = segment
      for (let pieces = random.below(MAX_PIECES); pieces > 0 && bytes.length > 1; pieces--) {
        const at = 1 + random.below(bytes.length - 1)
        this.#schedule({ kind: 'data', bytes: bytes.subarray(0, at) })
        bytes = bytes.subarray(at)
      }
      this.#schedule({ kind: 'data', bytes })
      return
    }
    this.#schedule(segment)
  }

  #schedule(segment: Segment): void {
    const { minDelayMs, maxDelayMs } = this.#profile
    const delayMs = minDelayMs + this.#random.next() * (maxDelayMs - minDelayMs)
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, this.#world.nowMs + delayMs)
    const arrive = () => this.#arrive(segment)
    // The kernel takes it whether its process runs or not.
    this.#world.at(this.#lastArrivalMs, this.to.process, segment.kind, arrive, arrive)
  }

  #arrive(segment: Segment): void {
    if (this.#blocks > 0) this.#stuck.push(segment)
    else this.to.arrived(segment)
  }
}
