import type { Readable } from 'node:stream'

/**
 * Calls `onEndStream` when the application ends its direction with END_STREAM on DATA.
 *
 * node:http2 emits `end` for a RST_STREAM(NO_ERROR) as well, and a body that was cut by one must not pass for complete
 * (RFC 9113 8.1 has it sent only behind END_STREAM, but whoever is broken does not know). What tells the two apart is
 * the order: END_STREAM pushes the end of the data while the stream is not closed yet.
 */
export function watchEndStream(
  stream: Readable & { readonly closed: boolean },
  onEndStream: () => void,
): void {
  const push = stream.push
  stream.push = (chunk: unknown, encoding?: BufferEncoding): boolean => {
    if (chunk === null && !stream.closed) onEndStream()
    return push.call(stream, chunk, encoding)
  }
}
