import type { Writable } from 'node:stream'

/** How much application output may wait for a slow reader of the linker's own output, in bytes. */
export const MAX_BUFFERED_OUTPUT_BYTES = 1024 * 1024

/** Where an application's output goes, byte for byte, for as long as somebody reads it. */
export interface PassThrough {
  /** Hands `chunk` on, or drops the whole of it. The buffer belongs to the pass-through afterwards. */
  write(chunk: Buffer): void
  /** Bytes dropped so far: the reader was too slow, or is gone. */
  readonly droppedBytes: number
}

/**
 * Passes output on to `out`, usually the linker's own stdout or stderr, and never gives anything back but a count.
 *
 * An application must neither block nor die because nobody reads what it prints. So there is no back-pressure: what
 * `out` has not taken is bounded, and beyond the bound output is dropped. When `out` fails (EPIPE: the reader of the
 * pipe is gone; EIO: its terminal is) everything from then on is dropped.
 *
 * @param open called at the first output, for Node makes a stream of stdout in 1 ms; its result is not closed by this, and gets an
 *   error listener, without which EPIPE would end the linker
 * @param maxBufferedBytes default 1 MiB
 */
export function passThrough(
  open: () => Writable,
  maxBufferedBytes: number = MAX_BUFFERED_OUTPUT_BYTES,
): PassThrough {
  let droppedBytes = 0
  let broken = false
  let opened: Writable | null = null
  const openOnce = () => {
    const out = open()
    out.on('error', () => {
      broken = true // process.stdout cannot be destroyed, so it goes on calling itself writable
    })
    return out
  }

  return {
    get droppedBytes() {
      return droppedBytes
    },
    write(chunk) {
      opened ??= openOnce()
      const out = opened
      if (broken || !out.writable || out.writableLength + chunk.length > maxBufferedBytes) {
        droppedBytes += chunk.length
        return
      }
      try {
        out.write(chunk)
      } catch {
        // stdout that is a file is written synchronously, and some versions of Node throw what fails there (ENOSPC).
        droppedBytes += chunk.length
      }
    },
  }
}
