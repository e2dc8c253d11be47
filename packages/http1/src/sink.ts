import type { Http1Error } from './error.ts'
import type { Head } from './head.ts'

/**
 * What a decoder calls, in the order `onHead onData* onTrailers? onEnd`, with `onError` at any point and as the last
 * call. All calls are synchronous, from inside `push` or `eof`; the decoder must not be pushed to from inside one.
 * (For responses `onHead` with `interim` set may come up to `maxInterimHeads` times before.)
 */
export interface MessageSink<H extends Head> {
  /** The head is a view, valid inside the call. */
  onHead(head: H): void
  /** Body bytes [start, end) without framing, never empty. The buffer is the caller's own, handed through. */
  onData(buffer: Buffer, start: number, end: number): void
  /** Only if at least one trailer field may pass; those that may not are marked as dropped. A view as well. */
  onTrailers(fields: Head): void
  /** The message is complete. For one without a body this comes right after `onHead`, from the same push. */
  onEnd(): void
  /** The message is refused, or cut short: nothing more comes, and the connection must be closed. */
  onError(error: Http1Error): void
}
