import type { Arrival } from '@brxy/protocol'

/** Methods that ask for nothing to be changed (RFC 9110 9.2.1); TRACE, the fourth, is never forwarded. */
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS'])

/** Whether a request may be repeated although an application may have served it. */
export function isSafe(method: string): boolean {
  return SAFE_METHODS.has(method)
}

/** A request, and what is known of it when its tunnel has died before the response began. */
export interface Loss {
  /** What the linker has said of its stream. */
  readonly arrival: Arrival
  /** It has answered, be it with an interim head or with credit: what was sent to it is not kept any more. */
  readonly isAnswered: boolean
  readonly isSafe: boolean
  /** It was repeated before, after a loss that an application may have had something to do with. */
  readonly wasRepeated: boolean
}

/**
 * What becomes of a request whose tunnel has died:
 *
 * - `again`: no application has seen it. Back to the queue, whatever its method, as often as that happens.
 * - `repeat`: one may have. Back to the queue, but only this once: a request that kills what serves it must not be given
 *   to every instance there is.
 * - `ask`: it must not run twice, and only the linker knows whether it ran. It says so in its next HELLO.
 * - `over`: the client is told.
 */
export function afterLoss({
  arrival,
  isAnswered,
  isSafe,
  wasRepeated,
}: Loss): 'again' | 'repeat' | 'ask' | 'over' {
  if (isAnswered) return 'over'
  if (arrival === 'never') return 'again'
  if (isSafe) return wasRepeated ? 'over' : 'repeat'
  return arrival === 'seen' ? 'over' : 'ask'
}
