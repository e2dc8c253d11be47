import {
  BODY_NONE,
  type ExpectedResponse,
  parseCanonicalRequest,
  parseCanonicalResponse,
  RequestDecoder,
  RequestHead,
  ResponseDecoder,
  ResponseHead,
  writeCanonicalRequest,
  writeCanonicalResponse,
} from './index.ts'

const nothing = (): void => {}
const fail = (error: Error): never => {
  throw error
}

/** The canonical head of a request given as text (Latin-1), parsed: what a linker works with. */
export function canonicalRequest(text: string): RequestHead {
  let bytes = Buffer.alloc(0)
  const onHead = (head: RequestHead): void => {
    bytes = Buffer.alloc(head.end - head.start + 1024)
    bytes = bytes.subarray(0, writeCanonicalRequest(head, null, null, bytes, 0))
  }
  const input = Buffer.from(text, 'latin1')
  const sink = { onHead, onData: nothing, onTrailers: nothing, onEnd: nothing, onError: fail }
  new RequestDecoder().push(input, 0, input.length, sink)
  return parseCanonicalRequest(bytes, 0, bytes.length, new RequestHead())
}

/** The canonical head of a response given as text (Latin-1), parsed: what an edge works with. */
export function canonicalResponse(
  text: string,
  expected: ExpectedResponse = { method: 'GET' },
): ResponseHead {
  let bytes = Buffer.alloc(0)
  const onHead = (head: ResponseHead): void => {
    bytes = Buffer.alloc(head.end - head.start + 1024)
    bytes = bytes.subarray(0, writeCanonicalResponse(head, null, null, bytes, 0))
  }
  const input = Buffer.from(text, 'latin1')
  const decoder = new ResponseDecoder()
  decoder.begin(expected)
  const sink = { onHead, onData: nothing, onTrailers: nothing, onEnd: nothing, onError: fail }
  decoder.push(input, 0, input.length, sink)
  return parseCanonicalResponse(bytes, 0, bytes.length, new ResponseHead())
}

/** What a writer wrote, at an odd place of a large buffer. */
export function written(write: (out: Buffer, at: number) => number): string {
  const out = Buffer.alloc(100_000)
  return out.toString('latin1', 11, write(out, 11))
}

export const NO_BODY = { bodyKind: BODY_NONE, bodyLength: 0, keepAlive: true } as const
