import { BrxyError } from './error.ts'
import { MAX_MESSAGE_BYTES } from './frame.ts'

/** The JSON payloads of brxy.v1. Unknown keys are ignored, so that a minor version can add some. */

/** First frame of a linker. */
export interface Hello {
  /** Lowest and highest protocol version the linker speaks. */
  readonly versions: readonly [number, number]
  readonly features: readonly string[]
  readonly route: string
  /** 128 random bits in hex, one per linker process. */
  readonly instance: string
  /** The launch this linker was started by, if it was started by an edge. */
  readonly launch?: string
  /** The platform's own name for the instance (a pod, a task), for counted platforms. */
  readonly platform?: string
  /** parked: its application is stopped, and starts again when the edge sends RECALL. */
  readonly phase: 'starting' | 'ready' | 'parked'
  readonly slots: number
  /** Bytes of DATA the linker accepts on a new stream before it sends WINDOW. */
  readonly windowBytes: number
  readonly labels: Readonly<Record<string, string>>
  /** Id of the lost session that this one continues. */
  readonly replaces?: string
  /** Highest stream id that the lost session saw. */
  readonly received?: number
}

/** The edge's answer to a HELLO it accepts. */
export interface Welcome {
  readonly version: number
  readonly features: readonly string[]
  readonly session: string
  readonly edge: string
  /** All addresses of edges that a linker should dial; the first is this edge's own. */
  readonly edges: readonly string[]
  readonly windowBytes: number
  /** What to do after stopping the application: exit, or keep the tunnel and wait to be removed. `park` of one edge is enough. */
  readonly leave: 'exit' | 'park'
  /** First redial after a lost session is spread uniformly over this time. */
  readonly reconnectSpreadMs: number
  /** A renewed token for later dials. */
  readonly token?: string
}

/** The edge's answer to a HELLO it refuses; also the payload of GOAWAY, which adds `received`. */
export interface Farewell {
  readonly code: string
  readonly message: string
  readonly retryable: boolean
  readonly retryAfterMs?: number
  /** GOAWAY: highest stream id that the sender saw. */
  readonly received?: number
  /** REJECT: who says so, as in WELCOME: a linker learns from it which of its addresses lead to one edge. */
  readonly edge?: string
}

const MAX_REASON_CHARACTERS = 1024
const MAX_OUTPUT_CHARACTERS = 8192

/** How an instance is. */
export interface Status {
  /** starting: a RECALL starts the application again; ready or failed follows. parked: it was stopped after GO. */
  readonly phase: 'starting' | 'ready' | 'parked' | 'failed'
  /** failed: exit status, or null if a signal ended it or it never exited. */
  readonly exitCode?: number | null
  readonly signal?: string | null
  /** failed: one sentence for operators. */
  readonly reason?: string
  /** failed: the last 4 KiB of output; operators only. */
  readonly output?: string
  readonly slots: number
  readonly busy: number
}

/** @throws BrxyError `protocol/bad-message` */
export function parseHello(payload: Buffer): Hello {
  const m = object('HELLO', payload)
  const versions = m.versions
  if (
    !Array.isArray(versions) ||
    versions.length !== 2 ||
    !versions.every(isCount) ||
    versions[0] > versions[1]
  ) {
    throw bad('HELLO', 'versions', 'two integers, the lower first')
  }
  const hello: Hello = {
    versions: [versions[0], versions[1]],
    features: strings('HELLO', m, 'features'),
    route: text('HELLO', m, 'route', 1, 255),
    instance: text('HELLO', m, 'instance', 8, 128),
    phase: oneOf('HELLO', m, 'phase', ['starting', 'ready', 'parked']),
    slots: count('HELLO', m, 'slots', 65_535),
    windowBytes: count('HELLO', m, 'windowBytes', 0x7fffffff),
    labels: labels(m),
  }
  return {
    ...hello,
    ...(m.launch === undefined ? {} : { launch: text('HELLO', m, 'launch', 1, 128) }),
    ...(m.platform === undefined ? {} : { platform: text('HELLO', m, 'platform', 1, 255) }),
    ...(m.replaces === undefined ? {} : { replaces: text('HELLO', m, 'replaces', 1, 128) }),
    ...(m.received === undefined ? {} : { received: count('HELLO', m, 'received', 0x7fffffff) }),
  }
}

/** @throws BrxyError `protocol/bad-message` */
export function parseWelcome(payload: Buffer): Welcome {
  const m = object('WELCOME', payload)
  return {
    version: count('WELCOME', m, 'version', 255),
    features: strings('WELCOME', m, 'features'),
    session: text('WELCOME', m, 'session', 1, 128),
    edge: text('WELCOME', m, 'edge', 1, 128),
    edges: strings('WELCOME', m, 'edges'),
    windowBytes: count('WELCOME', m, 'windowBytes', 0x7fffffff),
    leave: oneOf('WELCOME', m, 'leave', ['exit', 'park']),
    reconnectSpreadMs: count('WELCOME', m, 'reconnectSpreadMs', 3_600_000),
    ...(m.token === undefined ? {} : { token: text('WELCOME', m, 'token', 1, 8192) }),
  }
}

/** @throws BrxyError `protocol/bad-message` */
export function parseFarewell(frame: 'REJECT' | 'GOAWAY', payload: Buffer): Farewell {
  const m = object(frame, payload)
  if (typeof m.retryable !== 'boolean') throw bad(frame, 'retryable', 'true or false')
  return {
    code: text(frame, m, 'code', 1, 64),
    message: text(frame, m, 'message', 0, 4096),
    retryable: m.retryable,
    ...(m.retryAfterMs === undefined ? {} : { retryAfterMs: count(frame, m, 'retryAfterMs', 3_600_000) }),
    ...(m.received === undefined ? {} : { received: count(frame, m, 'received', 0x7fffffff) }),
    ...(m.edge === undefined ? {} : { edge: text(frame, m, 'edge', 1, 128) }),
  }
}

/** @throws BrxyError `protocol/bad-message` */
export function parseStatus(payload: Buffer): Status {
  const m = object('STATUS', payload)
  const exitCode = m.exitCode
  if (exitCode !== undefined && exitCode !== null && !isCount(exitCode))
    throw bad('STATUS', 'exitCode', 'an integer or null')
  const signal = m.signal
  if (signal !== undefined && signal !== null && typeof signal !== 'string')
    throw bad('STATUS', 'signal', 'a name or null')
  return {
    phase: oneOf('STATUS', m, 'phase', ['starting', 'ready', 'parked', 'failed']),
    slots: count('STATUS', m, 'slots', 65_535),
    busy: count('STATUS', m, 'busy', 0x7fffffff),
    ...(exitCode === undefined ? {} : { exitCode }),
    ...(signal === undefined ? {} : { signal }),
    ...(m.reason === undefined ? {} : { reason: text('STATUS', m, 'reason', 0, MAX_REASON_CHARACTERS) }),
    ...(m.output === undefined ? {} : { output: text('STATUS', m, 'output', 0, MAX_OUTPUT_CHARACTERS) }),
  }
}

/**
 * Any of the messages above as the payload of a frame.
 * @throws BrxyError `protocol/bad-message` if it is longer than 16 KiB, which no peer would take.
 */
export function encodeMessage(message: Hello | Welcome | Farewell | Status): Buffer {
  const payload = Buffer.from(JSON.stringify(message))
  if (payload.length > MAX_MESSAGE_BYTES) {
    throw new BrxyError(
      'protocol/bad-message',
      `brxy.v1: a message of ${payload.length} bytes; ${MAX_MESSAGE_BYTES} are allowed: shorten its longest value`,
    )
  }
  return payload
}

/** A STATUS cut to what the peer takes: the reason keeps its start, the output its end. */
export function encodeStatus(status: Status): Buffer {
  const cut = {
    ...status,
    ...(status.reason === undefined ? {} : { reason: status.reason.slice(0, MAX_REASON_CHARACTERS) }),
    ...(status.output === undefined ? {} : { output: status.output.slice(-MAX_OUTPUT_CHARACTERS) }),
  }
  // JSON writes a control character as six bytes, so that 4 KiB of output can become 24.
  while (
    cut.output !== undefined &&
    cut.output !== '' &&
    Buffer.byteLength(JSON.stringify(cut)) > MAX_MESSAGE_BYTES
  ) {
    cut.output = cut.output.slice(Math.ceil(cut.output.length / 4))
  }
  return encodeMessage(cut)
}

type Json = Record<string, unknown>

function object(frame: string, payload: Buffer): Json {
  let value: unknown
  try {
    value = JSON.parse(payload.toString('utf8'))
  } catch (cause) {
    throw new BrxyError('protocol/bad-message', `brxy.v1: ${frame} is not JSON`, { cause })
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new BrxyError('protocol/bad-message', `brxy.v1: ${frame} is not a JSON object`)
  }
  return value as Json
}

function bad(frame: string, key: string, expected: string): BrxyError {
  return new BrxyError('protocol/bad-message', `brxy.v1: ${frame} "${key}" must be ${expected}`)
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0
}

function count(frame: string, m: Json, key: string, max: number): number {
  const value = m[key]
  if (!isCount(value) || value > max) throw bad(frame, key, `an integer, 0 to ${max}`)
  return value
}

function text(frame: string, m: Json, key: string, min: number, max: number): string {
  const value = m[key]
  if (typeof value !== 'string' || value.length < min || value.length > max) {
    throw bad(frame, key, `a string of ${min} to ${max} characters`)
  }
  return value
}

function strings(frame: string, m: Json, key: string): string[] {
  const value = m[key]
  if (
    !Array.isArray(value) ||
    value.length > 256 ||
    !value.every((v) => typeof v === 'string' && v.length <= 1024)
  ) {
    throw bad(frame, key, 'a list of strings')
  }
  return value
}

function oneOf<T extends string>(frame: string, m: Json, key: string, values: readonly T[]): T {
  const value = m[key]
  if (!values.includes(value as T)) throw bad(frame, key, values.map((v) => `"${v}"`).join(' or '))
  return value as T
}

function labels(m: Json): Record<string, string> {
  const value = m.labels
  const entries =
    typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.entries(value) : null
  if (entries === null || entries.length > 64 || !entries.every(([, v]) => typeof v === 'string')) {
    throw bad('HELLO', 'labels', 'an object of at most 64 strings')
  }
  return Object.fromEntries(entries)
}
