import { type Head, type MessageSink, RequestDecoder, type RequestHead } from '@brxy/http1'

/** A request as a strict server has read it. */
export interface WireRequest {
  readonly method: string
  readonly target: string
  readonly keepAlive: boolean
  readonly fields: readonly string[]
  body: string
  trailers: readonly string[]
  /** false: the rest of it never came. */
  isComplete: boolean
}

/**
 * Reads everything that a connection of an application has received.
 * @throws Error if a byte of it breaks a rule of HTTP, or of brxy's own for what it writes
 */
export function readRequests(received: string): WireRequest[] {
  const requests: WireRequest[] = []
  const bytes = Buffer.from(received, 'latin1')
  const decoder = new RequestDecoder({ underscores: 'reject' })
  const fail = (rule: string): never => {
    throw new Error(`${rule}, in ${JSON.stringify(received.slice(0, 2000))}`)
  }
  const sink: MessageSink<RequestHead> = {
    onHead(head) {
      const last = requests.at(-1)
      if (last?.isComplete === false) fail('a request behind one that is not complete')
      if (last?.keepAlive === false) fail('a request behind the last one')
      if (head.minorVersion !== 1 || head.expectContinue) fail('a head that brxy does not write')
      const fields = fieldsOf(head)
      // "Made anew": nothing of other hops (HTTP.md "removed both ways").
      for (const line of fields)
        if (
          /^(keep-alive|proxy-connection|proxy-auth.*|te: (?!trailers$)|upgrade|http2-settings|proxy):/i.test(
            line,
          )
        )
          fail(`"${line}" at the application`)
      requests.push({
        method: head.method,
        target: head.target(),
        keepAlive: head.keepAlive,
        fields,
        body: '',
        trailers: [],
        isComplete: false,
      })
    },
    onData(buffer, from, to) {
      ;(requests.at(-1) as WireRequest).body += buffer.toString('latin1', from, to)
    },
    onTrailers(fields) {
      ;(requests.at(-1) as WireRequest).trailers = fieldsOf(fields)
    },
    onEnd() {
      ;(requests.at(-1) as WireRequest).isComplete = true
    },
    onError: (error) => fail(error.message),
  }
  for (let at = 0; at < bytes.length; ) {
    at = decoder.push(bytes, at, bytes.length, sink)
    if (decoder.idle) decoder.begin()
  }
  return requests
}

function fieldsOf(head: Head): string[] {
  return Array.from({ length: head.fieldCount }, (_, index) => `${head.name(index)}: ${head.value(index)}`)
}
