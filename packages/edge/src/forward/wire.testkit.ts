import {
  FIELD,
  type Field,
  type Head,
  type Http1Error,
  type MessageSink,
  RequestDecoder,
  type RequestHead,
  ResponseDecoder,
  type ResponseHead,
} from '@brxy/http1'
import { RawClient } from '../client.testkit.ts'

/** A RawClient that remembers what it sent, so that what came back can be read as a strict client reads it. */
export class WireClient extends RawClient {
  readonly #sent: Buffer[] = []

  override send(data: string | Buffer): this {
    this.#sent.push(typeof data === 'string' ? Buffer.from(data, 'latin1') : Buffer.from(data))
    return super.send(data)
  }

  get sent(): Buffer {
    return Buffer.concat(this.#sent)
  }

  /** Every answer so far. @throws Error if a byte of what came breaks a rule */
  answers(): WireAnswer[] {
    return readAnswers(this.received, readAsked(this.sent), this.end)
  }

  /** Resolves with every answer when so many are complete. */
  async answered(count: number): Promise<WireAnswer[]> {
    for (;;) {
      const answers = this.answers()
      if (answers.filter(({ isComplete }) => isComplete).length >= count) return answers
      const before = this.receivedBytes
      const ended = this.end
      await this.#more(before, ended, count)
    }
  }

  async #more(before: number, ended: string | null, count: number): Promise<void> {
    const deadline = performance.now() + 10_000
    while (this.receivedBytes === before && this.end === ended) {
      if (performance.now() > deadline)
        throw new Error(
          `answer ${count} did not come in 10 s; received ${JSON.stringify(this.text.slice(-500))}`,
        )
      await new Promise((resolve) => setTimeout(resolve, 2))
    }
  }
}

/** What of a request its response depends on. */
export interface WireAsked {
  readonly method: string
  readonly minorVersion: 0 | 1
  readonly keepAlive: boolean
  readonly teTrailers: boolean
  /** Whether it was sent to its end. */
  isComplete: boolean
}

/** A response as a strict client has read it. */
export interface WireAnswer {
  readonly status: number
  readonly fields: readonly (readonly [name: string, value: string])[]
  /** Statuses that came before. */
  readonly interim: readonly number[]
  readonly keepAlive: boolean
  readonly isCloseDelimited: boolean
  body: string
  trailers: readonly (readonly [name: string, value: string])[]
  /** false: it was cut off, and says so; or it is still coming. */
  isComplete: boolean
}

/** The requests that a strict server finds in what a client sent, up to the first that is malformed. */
export function readAsked(sent: Buffer): WireAsked[] {
  const asked: WireAsked[] = []
  const decoder = new RequestDecoder()
  const sink: MessageSink<RequestHead> = {
    onHead(head) {
      const { method, minorVersion, keepAlive, teTrailers } = head
      asked.push({ method, minorVersion, keepAlive, teTrailers, isComplete: false })
    },
    onData() {},
    onTrailers() {},
    onEnd() {
      const last = asked.at(-1)
      if (last !== undefined) last.isComplete = true
    },
    onError() {},
  }
  for (let at = 0; at < sent.length && !decoder.failed; ) {
    at = decoder.push(sent, at, sent.length, sink)
    if (decoder.idle) decoder.begin()
  }
  return asked
}

/** Whoever sent something that is no request is answered as if it had been this one. */
const UNREADABLE: WireAsked = {
  method: 'GET',
  minorVersion: 1,
  keepAlive: true,
  teTrailers: false,
  isComplete: false,
}

/**
 * Reads everything that a client received, as strictly as http1 reads an application, and by the rules for a server
 * beyond it (HTTP.md "The proxy around it").
 *
 * @param end how the connection has ended; null: it has not
 * @throws Error that names the rule
 */
export function readAnswers(
  received: Buffer,
  asked: readonly WireAsked[],
  end: 'fin' | 'reset' | null,
): WireAnswer[] {
  const answers: WireAnswer[] = []
  const decoder = new ResponseDecoder()
  let request = UNREADABLE
  let interim: number[] = []
  let error: Http1Error | null = null
  const fail = (rule: string): never => {
    throw new Error(`${rule}, in ${JSON.stringify(received.toString('latin1').slice(0, 4000))}`)
  }
  const sink: MessageSink<ResponseHead> = {
    onHead(head) {
      if (head.interim) {
        if (request.minorVersion === 0) fail(`a 1.0 client got ${head.status}`)
        interim.push(head.status)
        return
      }
      checkHead(head, request, fail)
      answers.push({
        status: head.status,
        fields: fieldsOf(head),
        interim,
        keepAlive: head.keepAlive,
        isCloseDelimited: head.closeDelimited,
        body: '',
        trailers: [],
        isComplete: false,
      })
      interim = []
    },
    onData(buffer, from, to) {
      ;(answers.at(-1) as WireAnswer).body += buffer.toString('latin1', from, to)
    },
    onTrailers(fields) {
      if (!request.teTrailers) fail('trailers for a client that offered no TE: trailers')
      ;(answers.at(-1) as WireAnswer).trailers = fieldsOf(fields)
    },
    onEnd() {
      const answer = answers.at(-1) as WireAnswer
      // A close-delimited body that a RST ends is not complete, whatever the decoder thinks.
      answer.isComplete = !(answer.isCloseDelimited && end === 'reset')
    },
    onError(fault) {
      error = fault
    },
  }
  for (let at = 0; at < received.length; ) {
    if (decoder.idle) {
      if (answers.length > asked.length) fail('more answers than requests')
      if (answers.at(-1)?.keepAlive === false) fail('bytes after the answer that was said to be the last')
      request = asked[answers.length] ?? UNREADABLE
      decoder.begin({ method: request.method })
    }
    at = decoder.push(received, at, received.length, sink)
    if (error !== null) fail(`${(error as Http1Error).code}: ${(error as Http1Error).message}`)
  }
  if (end !== null) decoder.eof(sink)
  // Cut off, which the framing shows: onEnd was not called. Any other error would be one.
  if (error !== null && (error as Http1Error).code !== 'http1/incomplete') fail((error as Http1Error).message)
  return answers
}

function checkHead(head: ResponseHead, request: WireAsked, fail: (rule: string) => never): void {
  const count = (field: Field) => {
    let found = 0
    for (let index = head.find(field); index !== -1; index = head.next(index)) found++
    return found
  }
  if (head.minorVersion !== 1) fail('a server of 1.1 says so')
  // RFC 9110 6.6.1, and brxy makes framing anew: never two of one.
  if (count(FIELD.DATE) === 0) fail('no Date')
  if (count(FIELD.CONTENT_LENGTH) > 1 || count(FIELD.TRANSFER_ENCODING) > 1) fail('framing twice')
  if (head.status === 204 && count(FIELD.CONTENT_LENGTH) > 0) fail('a length with 204')
  if (request.minorVersion === 0 && count(FIELD.TRANSFER_ENCODING) > 0) fail('chunks for a 1.0 client')
  if (request.minorVersion === 1 && head.closeDelimited) fail('a 1.1 client has to wait for the end')
  if (head.keepAlive && !request.keepAlive) fail('kept, though the client wants it closed')
  // What is left of such a request cannot be told from the next one.
  if (head.keepAlive && !request.isComplete) fail('kept, though the request has not ended')
}

function fieldsOf(head: Head): [string, string][] {
  return Array.from({ length: head.fieldCount }, (_, index) => [head.name(index), head.value(index)])
}

export const get = (target: string, fields = ''): string =>
  `GET ${target} HTTP/1.1\r\nHost: shop\r\n${fields}\r\n`
export const post = (target: string, body: string, fields = ''): string =>
  `POST ${target} HTTP/1.1\r\nHost: shop\r\n${fields}Content-Length: ${body.length}\r\n\r\n${body}`
