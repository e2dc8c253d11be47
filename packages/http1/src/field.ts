import { LOWER } from './bytes.ts'

/**
 * Small integer ids of the field names that brxy knows; 0 is any other name.
 * The `_OTHER` ids stand for every further name with that prefix.
 */
export const FIELD = {
  OTHER: 0,
  HOST: 1,
  CONNECTION: 2,
  CONTENT_LENGTH: 3,
  TRANSFER_ENCODING: 4,
  TE: 5,
  TRAILER: 6,
  UPGRADE: 7,
  EXPECT: 8,
  KEEP_ALIVE: 9,
  PROXY_CONNECTION: 10,
  PROXY_AUTHENTICATE: 11,
  PROXY_AUTHORIZATION: 12,
  PROXY_AUTHENTICATION_INFO: 13,
  /** Any other `Proxy-Auth...`. */
  PROXY_AUTH_OTHER: 14,
  HTTP2_SETTINGS: 15,
  PROXY: 16,
  MAX_FORWARDS: 17,
  DATE: 18,
  VIA: 19,
  SERVER: 20,
  FORWARDED: 21,
  X_FORWARDED_FOR: 22,
  X_FORWARDED_PROTO: 23,
  X_FORWARDED_HOST: 24,
  X_FORWARDED_PORT: 25,
  /** Any other `X-Forwarded-...`. */
  X_FORWARDED_OTHER: 26,
  X_REAL_IP: 27,
  X_REQUEST_ID: 28,
  TRACEPARENT: 29,
  TRACESTATE: 30,
  ACCEPT: 31,
  ORIGIN: 32,
  SEC_WEBSOCKET_KEY: 33,
  SEC_WEBSOCKET_ACCEPT: 34,
  SEC_WEBSOCKET_PROTOCOL: 35,
  SEC_WEBSOCKET_VERSION: 36,
  SEC_WEBSOCKET_EXTENSIONS: 37,
  CONTENT_TYPE: 38,
  /** Any other `Content-...`. */
  CONTENT_OTHER: 39,
  USER_AGENT: 40,
  PREFER: 41,
  SEC_FETCH_MODE: 42,
  BRXY_SLOTS: 43,
  /** Any other `Brxy-...`. */
  BRXY_OTHER: 44,
  SERVER_TIMING: 45,
  AUTHORIZATION: 46,
  AUTHENTICATION_INFO: 47,
  WWW_AUTHENTICATE: 48,
  COOKIE: 49,
  SET_COOKIE: 50,
  CACHE_CONTROL: 51,
  RETRY_AFTER: 52,
  PROXY_STATUS: 53,
  VARY: 54,
  ACCESS_CONTROL_ALLOW_ORIGIN: 55,
  RANGE: 56,
  REFERER: 57,
  PURPOSE: 58,
  SEC_PURPOSE: 59,
} as const

/** A value of {@link FIELD}. */
export type Field = (typeof FIELD)[keyof typeof FIELD]

/** One more than the largest id. */
export const FIELD_COUNT = 60

/** Which ids are in the set: 256 entries by id, 1 or 0. Made by {@link fieldSet}. */
export type FieldSet = Uint8Array

/** The set of the given ids. */
export function fieldSet(...fields: Field[]): FieldSet {
  const set = new Uint8Array(256)
  for (const field of fields) set[field] = 1
  return set
}

const PREFIXES: readonly (readonly [prefix: Uint8Array, field: Field])[] = (
  [
    ['x-forwarded-', FIELD.X_FORWARDED_OTHER],
    ['content-', FIELD.CONTENT_OTHER],
    ['brxy-', FIELD.BRXY_OTHER],
    ['proxy-auth', FIELD.PROXY_AUTH_OTHER],
  ] as const
).map(([prefix, field]) => [Buffer.from(prefix), field] as const)

// A hash of length, first and last byte picks a chain of candidates (nearly always of one), and only those
// are compared byte by byte: a name that brxy does not know usually costs no comparison at all.
const CHAIN_HEAD = new Uint8Array(256)
const CHAIN_NEXT = new Uint8Array(FIELD_COUNT)
const NAMES: Uint8Array[] = []
const STARTS_PREFIX = new Uint8Array(256)

for (const [key, field] of Object.entries(FIELD)) {
  if (key.endsWith('OTHER')) {
    NAMES[field] = new Uint8Array(0)
    continue
  }
  const name = Buffer.from(key.toLowerCase().replaceAll('_', '-'))
  NAMES[field] = name
  const slot = hash(name, 0, name.length)
  CHAIN_NEXT[field] = CHAIN_HEAD[slot]
  CHAIN_HEAD[slot] = field
}
for (const [prefix] of PREFIXES) STARTS_PREFIX[prefix[0]] = 1

/** The id of the name in bytes [start, end), in any case; the range must not be empty. */
export function fieldOfBytes(buffer: Uint8Array, start: number, end: number): Field {
  let candidate = CHAIN_HEAD[hash(buffer, start, end)]
  while (candidate !== 0) {
    const name = NAMES[candidate]
    if (name.length === end - start && startsWith(buffer, start, name)) return candidate as Field
    candidate = CHAIN_NEXT[candidate]
  }
  if (STARTS_PREFIX[LOWER[buffer[start]]] === 1) {
    for (const [prefix, field] of PREFIXES) {
      if (end - start > prefix.length && startsWith(buffer, start, prefix)) return field
    }
  }
  return FIELD.OTHER
}

/** The id of a name in any case: for fields that come as strings, as from HTTP/2. */
export function fieldOf(name: string): Field {
  return name.length === 0 ? FIELD.OTHER : fieldOfBytes(Buffer.from(name, 'latin1'), 0, name.length)
}

function hash(buffer: Uint8Array, start: number, end: number): number {
  return (LOWER[buffer[start]] * 7 + LOWER[buffer[end - 1]] * 31 + (end - start) * 13) & 255
}

function startsWith(buffer: Uint8Array, start: number, lower: Uint8Array): boolean {
  for (let i = 0; i < lower.length; i++) {
    if (LOWER[buffer[start + i]] !== lower[i]) return false
  }
  return true
}
