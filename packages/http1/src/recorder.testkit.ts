import { readFileSync } from 'node:fs'
import {
  BODY_KNOWN,
  BODY_NONE,
  type ExpectedResponse,
  type Head,
  Http1Error,
  type MessageSink,
  RequestDecoder,
  type RequestHead,
  type RequestLimits,
  ResponseDecoder,
  type ResponseHead,
  type ResponseLimits,
  writeCanonicalRequest,
  writeCanonicalResponse,
} from './index.ts'

/** One event of a vector, as JSON has it; see `vectors/README.md`. */
export type Event =
  | { head: Record<string, unknown> }
  | { data: string }
  | { trailers: [string, string][] }
  | 'end'
  | { error: { code: string; status: number; offset: number } }

export interface VectorCase {
  name: string
  input: string
  limits?: Partial<RequestLimits & ResponseLimits>
  request?: ExpectedResponse
  eof?: true
  events: Event[]
  fields?: [string, string][]
  forwarded?: string
}

export interface VectorRow {
  row: string
  rfc: string
  cases: VectorCase[]
}

export function loadVectors(name: 'requests' | 'responses'): VectorRow[] {
  return JSON.parse(readFileSync(new URL(`../vectors/${name}.json`, import.meta.url), 'utf8'))
}

/** What a decoder made of some bytes. */
export interface Recording {
  events: Event[]
  /** All field lines of the (last) head. */
  allFields: [string, string][]
  /** The field lines of the (last) head that reach the other side. */
  fields: [string, string][]
  /** The canonical head of the (last) head. */
  forwarded: string
  /** How many bytes were taken until the end of the first message. */
  consumed: number
}

/** Decodes one request from bytes that come in the given pieces (their sum is the length of `bytes`). */
export function recordRequest(
  bytes: Buffer,
  pieces: readonly number[],
  limits?: Partial<RequestLimits>,
  eof = false,
): Recording {
  const decoder = new RequestDecoder(limits)
  return record(decoder, bytes, pieces, eof, describeRequest, writeCanonicalRequest)
}

/** Decodes one response, with its interim heads. */
export function recordResponse(
  bytes: Buffer,
  pieces: readonly number[],
  expected: ExpectedResponse = { method: 'GET' },
  limits?: Partial<ResponseLimits>,
  eof = false,
): Recording {
  const decoder = new ResponseDecoder(limits)
  decoder.begin(expected)
  return record(decoder, bytes, pieces, eof, describeResponse, writeCanonicalResponse)
}

interface Decoder<H extends Head> {
  readonly failed: boolean
  push(buffer: Buffer, from: number, to: number, sink: MessageSink<H>): number
  eof(sink: MessageSink<H>): void
}

function record<H extends Head>(
  decoder: Decoder<H>,
  bytes: Buffer,
  pieces: readonly number[],
  eof: boolean,
  describe: (head: H) => Record<string, unknown>,
  write: (head: H, drop: null, extra: null, out: Buffer, at: number) => number,
): Recording {
  const recording: Recording = { events: [], allFields: [], fields: [], forwarded: '', consumed: 0 }
  const { events } = recording
  let ended = false
  const sink: MessageSink<H> = {
    onHead(head) {
      events.push({ head: describe(head) })
      recording.allFields = allFieldsOf(head)
      recording.fields = fieldsOf(head)
      const out = Buffer.alloc(head.end - head.start + 1024)
      const end = write(head, null, null, out, 3)
      recording.forwarded = out.toString('latin1', 3, end)
    },
    onData(buffer, start, end) {
      if (end <= start) throw new Error('empty data')
      const text = buffer.toString('latin1', start, end)
      const last = events.at(-1)
      if (typeof last === 'object' && 'data' in last) last.data += text
      else events.push({ data: text })
    },
    onTrailers(fields) {
      events.push({ trailers: fieldsOf(fields) })
    },
    onEnd() {
      ended = true
      events.push('end')
    },
    onError(error) {
      if (!(error instanceof Http1Error)) throw error
      events.push({ error: { code: error.code, status: error.status, offset: error.offset } })
    },
  }
  let at = 0
  for (const piece of pieces) {
    if (ended || decoder.failed) break
    // Each piece lies somewhere else in a buffer that is overwritten afterwards, as a socket's would be.
    const buffer = Buffer.alloc(piece + 7, 0x21)
    bytes.copy(buffer, 5, at, at + piece)
    let p = 5
    while (p < 5 + piece && !ended && !decoder.failed) {
      const next = decoder.push(buffer, p, 5 + piece, sink)
      if (next <= p || next > 5 + piece) throw new Error(`push went from ${p} to ${next} of ${5 + piece}`)
      p = next
    }
    recording.consumed = at + p - 5
    buffer.fill(0)
    at += piece
  }
  if (eof) decoder.eof(sink)
  return recording
}

/** Names and values of all fields. */
export function allFieldsOf(head: Head): [string, string][] {
  return Array.from({ length: head.fieldCount }, (_, index) => [head.name(index), head.value(index)])
}

/** Names and values of the fields that are not marked as dropped. */
export function fieldsOf(head: Head): [string, string][] {
  const fields: [string, string][] = []
  for (let index = 0; index < head.fieldCount; index++) {
    if (!head.isDropped(index)) fields.push([head.name(index), head.value(index)])
  }
  return fields
}

const FORMS = ['origin', 'absolute', 'asterisk']

function describeRequest(head: RequestHead): Record<string, unknown> {
  return {
    method: head.method,
    target: head.target(),
    minorVersion: head.minorVersion,
    host: head.hostKey,
    body: bodyOf(head),
    keepAlive: head.keepAlive,
    ...(head.targetForm === 0 ? {} : { form: FORMS[head.targetForm] }),
    ...(head.expectContinue ? { expectContinue: true } : {}),
    ...(head.teTrailers ? { teTrailers: true } : {}),
    ...(head.upgrade === '' ? {} : { upgrade: head.upgrade }),
  }
}

function describeResponse(head: ResponseHead): Record<string, unknown> {
  return {
    status: head.status,
    reason: head.reason(),
    minorVersion: head.minorVersion,
    body: bodyOf(head),
    keepAlive: head.keepAlive,
    ...(head.bodyKind === BODY_NONE && head.bodyLength !== 0 ? { length: head.bodyLength } : {}),
    ...(head.interim ? { interim: true } : {}),
    ...(head.upgrade ? { upgrade: true } : {}),
    ...(head.closeDelimited ? { closeDelimited: true } : {}),
  }
}

function bodyOf(head: RequestHead | ResponseHead): unknown {
  if (head.bodyKind === BODY_NONE) return 'none'
  return head.bodyKind === BODY_KNOWN ? head.bodyLength : 'unknown'
}

/** Pieces of one byte each. */
export function byteByByte(length: number): number[] {
  return new Array<number>(length).fill(1)
}

/** The pieces between the given offsets. */
export function piecesOf(length: number, cuts: readonly number[]): number[] {
  const offsets = [...new Set([0, ...cuts.map((cut) => cut % (length + 1)), length])].sort((a, b) => a - b)
  return offsets.slice(1).map((offset, i) => offset - offsets[i])
}
