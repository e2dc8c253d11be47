/** When an instance came how far on its way up, on the clock of the timer wheel. */
export interface StartTimes {
  /** Its launch was asked for. */
  readonly askedMs: number
  readonly connectedMs: number
  /** Its application accepted connections, and this edge knew it. */
  readonly readyMs: number
}

/**
 * What a response says of the time that its request waited (`Server-Timing`, W3C Server Timing): `brxy-hold` in all. If it was
 * for an instance that was just being started, of that `brxy-launch` until the linker was connected, and `brxy-listen` until
 * its application was ready: what was done before the request came does not count, so the two are never more than the whole.
 *
 * @param heldMs how long it waited, the times after instances that did not serve it included
 * @param heldSinceMs when it began to wait for the instance that served it
 * @param start of that instance; null for one that was not seen starting
 * @returns the value of the field; empty for a request that did not wait
 */
export function serverTiming(heldMs: number, heldSinceMs: number, start: StartTimes | null): string {
  const held = Math.round(heldMs)
  if (held <= 0) return ''
  const hold = `brxy-hold;dur=${held}`
  if (start === null || start.readyMs <= heldSinceMs) return hold
  const { askedMs, connectedMs, readyMs } = start
  const launch = Math.max(0, connectedMs - Math.max(askedMs, heldSinceMs))
  const listen = readyMs - Math.max(connectedMs, heldSinceMs)
  // Rounded down: the sum of two that are rounded up could be more than the whole.
  return `${hold}, brxy-launch;dur=${Math.floor(launch)}, brxy-listen;dur=${Math.floor(listen)}`
}
