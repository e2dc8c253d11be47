import { Buffer } from 'node:buffer'

/** Smaller ones cost nothing to speak of. */
const MIN_BYTES = 16 * 1024

const allocUnsafeSlow = Buffer.allocUnsafeSlow

/**
 * The large buffers of one world after another: each session and each connection has its own, and to allocate them anew in
 * every history takes more time, in garbage collections, than the histories do.
 */
const free = new Map<number, Buffer<ArrayBuffer>[]>()
const used: Buffer<ArrayBuffer>[] = []

/** From now on large buffers are taken from those of worlds that have ended. */
export function shareBuffers(): void {
  Buffer.allocUnsafeSlow = (size) => {
    if (size < MIN_BYTES) return allocUnsafeSlow(size)
    const buffer = free.get(size)?.pop() ?? allocUnsafeSlow(size)
    used.push(buffer)
    return buffer
  }
}

/** The world is over, and nobody uses its buffers any more. */
export function returnBuffers(): void {
  Buffer.allocUnsafeSlow = allocUnsafeSlow
  for (const buffer of used.splice(0)) {
    const others = free.get(buffer.length)
    if (others === undefined) free.set(buffer.length, [buffer])
    else others.push(buffer)
  }
}
