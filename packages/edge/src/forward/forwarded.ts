import { randomUUID } from 'node:crypto'
import { FIELD, type FieldSet, fieldSet, type Head, type RequestHead } from '@brxy/http1'

export type HttpVersion = '1.1' | '2.0'

/** What is known of the client connection that requests come by. */
export interface Via {
  /** Of the peer, without brackets. */
  readonly peerAddress: string
  readonly scheme: 'http' | 'https'
  /** That of HTTP, as Via says it; default 1.1. */
  readonly version?: HttpVersion
  /** Whether the peer is a proxy whose fields are believed. */
  readonly isTrusted: boolean
  /** This edge's name in Via (RFC 9110 7.6.3), unlike that of any other. */
  readonly pseudonym: string
}

/** Never for the application, or said anew whoever said it. */
const OWN = [FIELD.EXPECT, FIELD.BRXY_SLOTS, FIELD.BRXY_OTHER, FIELD.X_FORWARDED_FOR] as const
const REPLACED_OF_TRUSTED = fieldSet(...OWN)
/** What an unknown client says about the way its request came is not believed. */
const REPLACED = fieldSet(
  ...OWN,
  FIELD.FORWARDED,
  FIELD.X_FORWARDED_PROTO,
  FIELD.X_FORWARDED_HOST,
  FIELD.X_FORWARDED_PORT,
  FIELD.X_FORWARDED_OTHER,
  FIELD.X_REAL_IP,
  FIELD.X_REQUEST_ID,
)

const UUID_LENGTH = 36
/** A request id of a trusted proxy that is longer is replaced: it goes into logs and answers. */
const MAX_ID_LENGTH = 200

/**
 * The field lines that tell an application where a request came from: X-Forwarded-*, Via, X-Request-Id and, unless the
 * client sent one, a traceparent (W3C Trace Context, not sampled, with the request's id as its trace id).
 *
 * One object for a connection. From an unknown client nothing but the ids differs from one request to the next, so its
 * lines are made once for a host and the ids written into them.
 */
export class Forwarded {
  readonly #via: Via
  #host = ''
  #prefix = ''
  #lines = Buffer.alloc(0)
  #withoutTrace = Buffer.alloc(0)
  #idAt = -1
  #requestId = ''

  constructor(via: Via) {
    this.#via = via
  }

  /** What the client may have said and what is left out of its request. */
  get replaced(): FieldSet {
    return this.#via.isTrusted ? REPLACED_OF_TRUSTED : REPLACED
  }

  /** Of the last request. */
  get requestId(): string {
    return this.#requestId
  }

  /** Whether the request has been here before. */
  isLoop(head: Head): boolean {
    const { pseudonym } = this.#via
    for (let at = head.find(FIELD.VIA); at !== -1; at = head.next(at))
      if (
        head
          .value(at)
          .split(/[\s,]+/)
          .includes(pseudonym)
      )
        return true
    return false
  }

  /**
   * The lines to add; valid until the next call.
   *
   * @param prefix that was taken off the path, or ''
   */
  lines(head: RequestHead, prefix: string): Buffer {
    return this.#via.isTrusted ? this.#ofTrusted(head, prefix) : this.#ofUnknown(head, prefix)
  }

  #ofUnknown(head: RequestHead, prefix: string): Buffer {
    const host = head.hostBytes()
    if (this.#idAt === -1 || host !== this.#host || prefix !== this.#prefix) this.#prepare(host, prefix)
    const id = randomUUID()
    this.#requestId = id
    this.#lines.write(id, this.#idAt, UUID_LENGTH, 'latin1')
    if (head.find(FIELD.TRACEPARENT) !== -1) return this.#withoutTrace
    this.#lines.write(traceOf(id), this.#withoutTrace.length, TRACE_LENGTH, 'latin1')
    return this.#lines
  }

  #prepare(host: string, prefix: string): void {
    const { peerAddress, scheme } = this.#via
    this.#host = host
    this.#prefix = prefix
    const fixed = `X-Forwarded-For: ${peerAddress}\r\nX-Forwarded-Proto: ${scheme}\r\nX-Forwarded-Host: ${host}\r\n${this.#common(prefix)}X-Request-Id: `
    const room = ' '.repeat(UUID_LENGTH)
    this.#lines = Buffer.from(`${fixed}${room}\r\n${' '.repeat(TRACE_LENGTH)}`, 'latin1')
    this.#idAt = fixed.length
    this.#withoutTrace = this.#lines.subarray(0, fixed.length + UUID_LENGTH + 2)
  }

  /** What a proxy in front has said stands; this hop is added to it. */
  #ofTrusted(head: RequestHead, prefix: string): Buffer {
    const { peerAddress, scheme } = this.#via
    const host = head.hostBytes()
    const lines = [
      `X-Forwarded-For: ${[...valuesOf(head, FIELD.X_FORWARDED_FOR), peerAddress].join(', ')}\r\n`,
    ]
    if (head.find(FIELD.X_FORWARDED_PROTO) === -1) lines.push(`X-Forwarded-Proto: ${scheme}\r\n`)
    if (head.find(FIELD.X_FORWARDED_HOST) === -1) lines.push(`X-Forwarded-Host: ${host}\r\n`)
    if (head.find(FIELD.FORWARDED) !== -1)
      lines.push(`Forwarded: for=${node(peerAddress)};host="${host}";proto=${scheme}\r\n`)
    lines.push(this.#common(prefix))
    const given = valuesOf(head, FIELD.X_REQUEST_ID)
    const isKept = given.length === 1 && given[0] !== '' && given[0].length <= MAX_ID_LENGTH
    if (isKept) {
      this.#requestId = given[0]
    } else {
      for (let at = head.find(FIELD.X_REQUEST_ID); at !== -1; at = head.next(at)) head.drop(at)
      this.#requestId = randomUUID()
      lines.push(`X-Request-Id: ${this.#requestId}\r\n`)
    }
    if (head.find(FIELD.TRACEPARENT) === -1) lines.push(traceOf(isKept ? randomUUID() : this.#requestId))
    return Buffer.from(lines.join(''), 'latin1')
  }

  #common(prefix: string): string {
    const via = `Via: ${this.#via.version ?? '1.1'} ${this.#via.pseudonym}\r\n`
    return prefix === '' ? via : `${via}X-Forwarded-Prefix: ${prefix}\r\n`
  }
}

/** `traceparent: 00-<32>-<16>-00` and its line end. */
const TRACE_LENGTH = 'traceparent: '.length + 55 + 2

function traceOf(id: string): string {
  return `traceparent: 00-${id.replaceAll('-', '')}-${randomUUID().replaceAll('-', '').slice(0, 16)}-00\r\n`
}

function valuesOf(head: Head, field: (typeof FIELD)[keyof typeof FIELD]): string[] {
  const values: string[] = []
  for (let at = head.find(field); at !== -1; at = head.next(at)) values.push(head.value(at))
  return values
}

/** RFC 7239 6: an IPv6 address has brackets and therefore quotes. */
function node(address: string): string {
  return address.includes(':') ? `"[${address}]"` : address
}
