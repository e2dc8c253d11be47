/**
 * A slow, obvious codec of brxy.v1 frames, written from docs/protocol.md and from nothing in this package, so
 * that it can check the fast one. It also speaks the JSON and hex of vectors/*.json.
 */

/** A frame as vectors/README.md writes it. */
export interface VectorFrame {
  readonly type: string
  readonly stream?: number
  readonly end?: boolean
  readonly json?: unknown
  readonly text?: string
  readonly n?: number
  readonly kind?: number
  readonly body?: number
  readonly bits?: number
  /** A string if a double cannot hold it. */
  readonly length?: number | string
  readonly head?: string
  /** OPEN with bit 4: what stands before the head. */
  readonly addresses?: string
  readonly hex?: string
}

type Payload = 'json' | 'text' | 'u8' | 'u16' | 'u32' | 'none' | 'open' | 'head' | 'bytes'
type Row = readonly [
  name: string,
  from: 'edge' | 'linker' | 'either',
  stream: boolean,
  end: boolean,
  min: number,
  max: number,
  payload: Payload,
]

const ROWS: Readonly<Record<number, Row>> = {
  1: ['HELLO', 'linker', false, false, 2, 16384, 'json'],
  2: ['WELCOME', 'edge', false, false, 2, 16384, 'json'],
  3: ['REJECT', 'edge', false, false, 2, 16384, 'json'],
  4: ['TOKEN', 'edge', false, false, 1, 16384, 'text'],
  5: ['STATUS', 'linker', false, false, 2, 16384, 'json'],
  16: ['GRANT', 'linker', false, false, 4, 4, 'u32'],
  17: ['RECLAIM', 'linker', false, false, 4, 4, 'u32'],
  18: ['RETURN', 'edge', false, false, 4, 4, 'u32'],
  19: ['DEMAND', 'edge', false, false, 4, 4, 'u32'],
  32: ['LEAVE', 'linker', false, false, 0, 0, 'none'],
  33: ['VERDICT', 'edge', false, false, 1, 1, 'u8'],
  34: ['REPLACE', 'linker', false, false, 0, 0, 'none'],
  35: ['RECALL', 'edge', false, false, 0, 0, 'none'],
  36: ['DRAIN', 'either', false, false, 0, 0, 'none'],
  37: ['GOAWAY', 'either', false, false, 2, 16384, 'json'],
  48: ['OPEN', 'edge', true, true, 12, 65548, 'open'],
  49: ['REFUSE', 'linker', true, false, 2, 2, 'u16'],
  50: ['HEAD', 'linker', true, true, 12, 65548, 'head'],
  51: ['DATA', 'either', true, true, 1, 262144, 'bytes'],
  52: ['TRAILERS', 'either', true, true, 0, 65536, 'text'],
  53: ['WINDOW', 'either', true, false, 4, 4, 'u32'],
  54: ['RESET', 'either', true, false, 2, 2, 'u16'],
  64: ['PING', 'either', false, false, 8, 8, 'bytes'],
  65: ['PONG', 'either', false, false, 8, 8, 'bytes'],
}

/** The bytes of one frame, whatever it says: also frames that no decoder accepts. */
export function referenceEncode(frame: VectorFrame): Buffer {
  const [code, row] = rowOf(frame.type)
  const payload = encodePayload(row[6], frame)
  const header = Buffer.alloc(8)
  header.writeUIntBE(code + (frame.end ? 128 : 0), 0, 1)
  header.writeUIntBE(payload.length, 1, 3)
  header.writeUIntBE(frame.stream ?? 0, 4, 4)
  return Buffer.concat([header, payload])
}

export interface ReferenceResult {
  readonly frames: readonly VectorFrame[]
  /** The bytes after `frames` break a rule of the layout. */
  readonly bad: boolean
  /** What comes after `frames`: an unfinished frame, or a bad one. */
  readonly rest: Buffer
}

/** All whole frames at the start of `bytes`. */
export function referenceDecode(from: 'edge' | 'linker', bytes: Buffer): ReferenceResult {
  const frames: VectorFrame[] = []
  let rest = bytes
  while (rest.length >= 8) {
    const first = rest[0]
    const end = first >= 128
    const row = ROWS[end ? first - 128 : first]
    const length = rest.readUIntBE(1, 3)
    const stream = rest.readUIntBE(4, 4)
    if (row === undefined) return { frames, bad: true, rest }
    const [, sender, hasStream, mayEnd, min, max, payload] = row
    const legal =
      (sender === 'either' || sender === from) &&
      (hasStream ? stream >= 1 && stream <= 2 ** 31 - 1 : stream === 0) &&
      (mayEnd || !end) &&
      length >= min &&
      length <= max
    if (!legal) return { frames, bad: true, rest }
    if (rest.length < 8 + length) break
    frames.push(decodePayload(row[0], payload, stream, end, rest.subarray(8, 8 + length)))
    rest = rest.subarray(8 + length)
  }
  return { frames, bad: false, rest }
}

/** `0a0b 61*3` -> 0a 0b 61 61 61. Spaces mean nothing. */
export function parseHex(text: string): Buffer {
  const parts = text.split(' ').map((word) => {
    const [hex, times] = word.split('*')
    return times === undefined
      ? Buffer.from(hex, 'hex')
      : Buffer.alloc(Number(times), Buffer.from(hex, 'hex'))
  })
  return Buffer.concat(parts)
}

/** The inverse: runs of 32 and more equal bytes are shortened. */
export function formatHex(bytes: Buffer): string {
  const words: string[] = []
  let plain = ''
  for (let at = 0; at < bytes.length; ) {
    let run = 1
    while (at + run < bytes.length && bytes[at + run] === bytes[at]) run++
    const byte = bytes.toString('hex', at, at + 1)
    if (run < 32) plain += byte.repeat(run)
    else {
      if (plain !== '') words.push(plain)
      words.push(`${byte}*${run}`)
      plain = ''
    }
    at += run
  }
  if (plain !== '') words.push(plain)
  return words.join(' ')
}

/** What the family says; of none that there is, all of it. */
function addressesLength(bytes: Buffer): number {
  const lengths: Readonly<Record<number, number>> = { 0: 1, 4: 13, 6: 37 }
  return Math.min(bytes.length, lengths[bytes[0]] ?? bytes.length)
}

function rowOf(name: string): [number, Row] {
  for (const [code, row] of Object.entries(ROWS)) if (row[0] === name) return [Number(code), row]
  throw new Error(`no frame ${name}`)
}

function encodePayload(payload: Payload, frame: VectorFrame): Buffer {
  switch (payload) {
    case 'json':
      return frame.hex === undefined
        ? Buffer.from(frame.text ?? JSON.stringify(frame.json))
        : parseHex(frame.hex)
    case 'text':
      return Buffer.from(frame.text ?? '', 'latin1')
    case 'none':
      return Buffer.alloc(0)
    case 'bytes':
      return parseHex(frame.hex ?? '')
    case 'open':
    case 'head': {
      const prefix = Buffer.alloc(12)
      prefix[0] = (payload === 'open' ? frame.kind : frame.body) ?? 0
      prefix[1] = (payload === 'open' ? frame.body : 0) ?? 0
      prefix.writeUInt16BE(frame.bits ?? 0, 2)
      prefix.writeBigUInt64BE(BigInt(frame.length ?? 0), 4)
      const addresses = parseHex(frame.addresses ?? '')
      return Buffer.concat([prefix, addresses, Buffer.from(frame.head ?? '', 'latin1')])
    }
    default: {
      const bytes = payload === 'u8' ? 1 : payload === 'u16' ? 2 : 4
      const out = Buffer.alloc(bytes)
      out.writeUIntBE(frame.n ?? 0, 0, bytes)
      return out
    }
  }
}

function decodePayload(
  type: string,
  payload: Payload,
  stream: number,
  end: boolean,
  bytes: Buffer,
): VectorFrame {
  const frame = { type, ...(stream === 0 ? {} : { stream }), ...(end ? { end } : {}) }
  switch (payload) {
    case 'json':
      // Kept as bytes: whether it is good JSON is not a matter of the layout.
      return { ...frame, hex: formatHex(bytes) }
    case 'text':
      return { ...frame, text: bytes.toString('latin1') }
    case 'none':
      return frame
    case 'bytes':
      return { ...frame, hex: formatHex(bytes) }
    case 'open':
    case 'head': {
      const bits = bytes.readUInt16BE(2)
      const exact = bytes.readBigUInt64BE(4)
      const length = exact <= Number.MAX_SAFE_INTEGER ? Number(exact) : `${exact}`
      const headAt = 12 + (payload === 'open' && (bits & 4) !== 0 ? addressesLength(bytes.subarray(12)) : 0)
      const head = bytes.toString('latin1', headAt)
      const addresses = headAt === 12 ? {} : { addresses: formatHex(bytes.subarray(12, headAt)) }
      return payload === 'open'
        ? { ...frame, kind: bytes[0], body: bytes[1], bits, length, ...addresses, head }
        : { ...frame, body: bytes[0], bits, length, head }
    }
    default:
      return { ...frame, n: bytes.readUIntBE(0, bytes.length) }
  }
}
