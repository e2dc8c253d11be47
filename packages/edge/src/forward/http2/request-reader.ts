import { type MessageSink, RequestDecoder, type RequestHead } from '@brxy/http1'

/** Its trailer section is the next thing that a decoder reads. */
const BEFORE_TRAILERS = Buffer.from('POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n')
const NOBODY: MessageSink<RequestHead> = {
  onHead() {},
  onData() {},
  onTrailers() {},
  onEnd() {},
  onError() {},
}

/** Reads translated heads and trailers with http1's decoder; the requests of one connection take turns. */
export class RequestReader {
  #decoder = new RequestDecoder()

  /** Calls `onHead`, and `onEnd` if there is no body; or `onError`. */
  readHead(bytes: Buffer, sink: MessageSink<RequestHead>): void {
    // After a head with a body it waits for one, which HTTP/2 frames on its own.
    if (!this.#decoder.idle) this.#decoder = new RequestDecoder()
    this.#decoder.begin()
    this.#decoder.push(bytes, 0, bytes.length, sink)
  }

  /** Calls `onTrailers` if any may pass, and `onEnd`; or `onError`. */
  readTrailers(bytes: Buffer, sink: MessageSink<RequestHead>): void {
    const decoder = new RequestDecoder()
    for (let at = 0; at < BEFORE_TRAILERS.length; )
      at = decoder.push(BEFORE_TRAILERS, at, BEFORE_TRAILERS.length, NOBODY)
    decoder.push(bytes, 0, bytes.length, sink)
  }
}
