/**
 * Where an exchange sends its request: a stream to an instance, or the fallback. What comes back arrives at the
 * StreamHandler that it was opened with, never from within a call of these.
 */
export interface Outlet {
  /** Whether anything came back; until then the request can be sent elsewhere. */
  readonly answered: boolean
  /** Whether the request is complete, or no more of it is wanted: nothing may be written. */
  readonly localEnd: boolean
  /** Whether all of the request has left, or no more of it will: nothing waits for window or room. */
  readonly endSent: boolean
  /**
   * Sends body bytes, within the declared length. They must not be changed afterwards: they may be kept by reference.
   * @returns false when some of it waits: stop the source. onWritable says when all of it has gone.
   */
  write(buffer: Buffer, from: number, to: number): boolean
  /** Ends the request, with trailers (canonical fields) if there are any. No more than one END is sent. */
  end(trailers: Buffer | null): void
  /** Aborts both directions. The handler hears nothing more. */
  reset(code: number): void
  /** So many bytes of the response were delivered; as many more may come. */
  consumed(bytes: number, nowMs: number): void
}
