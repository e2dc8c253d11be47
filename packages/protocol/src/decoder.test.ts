import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { FrameDecoder, type FrameSink } from './decoder.ts'
import { BrxyError } from './error.ts'
import { FRAME, frameRule, MAX_DATA_BYTES } from './frame.ts'
import { formatHex, referenceDecode, referenceEncode, type VectorFrame } from './reference-codec.testkit.ts'
import { FRAME_VECTORS, messagesOf } from './vectors.testkit.ts'

type Side = 'edge' | 'linker'

/** A frame, or all DATA of a stream up to the next other frame or END: parts mean nothing. */
interface Event {
  readonly name: string
  readonly stream: number
  end: boolean
  payload: Buffer
}

class EventSink implements FrameSink {
  readonly events: Event[] = []

  onFrame(type: number, end: boolean, stream: number, buffer: Buffer, from: number, to: number): void {
    const name = frameRule(type)?.name ?? 'unknown'
    this.events.push({ name, stream, end, payload: Buffer.from(buffer.subarray(from, to)) })
  }

  onData(stream: number, buffer: Buffer, from: number, to: number, end: boolean): void {
    this.addData(stream, Buffer.from(buffer.subarray(from, to)), end)
  }

  addData(stream: number, payload: Buffer, end: boolean): void {
    const last = this.events.at(-1)
    if (last?.name === 'DATA' && last.stream === stream && !last.end) {
      last.payload = Buffer.concat([last.payload, payload])
      last.end = end
    } else {
      this.events.push({ name: 'DATA', stream, end, payload })
    }
  }

  get text(): string[] {
    return this.events.map((e) => `${e.name}${e.end ? ' END' : ''} ${e.stream} ${formatHex(e.payload)}`)
  }
}

/** Feeds the pieces to a fresh decoder, each in a buffer that is overwritten afterwards. */
function decode(from: Side, pieces: readonly Buffer[]): { events: string[]; error: string | null } {
  const decoder = new FrameDecoder(from)
  const sink = new EventSink()
  try {
    for (const piece of pieces) {
      const padded = Buffer.concat([Buffer.alloc(2, 0xee), piece, Buffer.alloc(2, 0xee)])
      decoder.push(padded, 2, 2 + piece.length, sink)
      padded.fill(0xee)
    }
  } catch (error) {
    if (!(error instanceof BrxyError)) throw error
    return { events: sink.text, error: error.code }
  }
  return { events: sink.text, error: null }
}

/** The same by the slow codec, with the part of an unfinished DATA frame that is there. */
function decodeSlowly(from: Side, bytes: Buffer): { events: string[]; error: string | null } {
  const { frames, bad, rest } = referenceDecode(from, bytes)
  const sink = new EventSink()
  for (const frame of frames) {
    const whole = referenceEncode(frame)
    if (frame.type === 'DATA') sink.addData(frame.stream ?? 0, whole.subarray(8), frame.end ?? false)
    else sink.onFrame(whole[0] & 0x7f, frame.end ?? false, frame.stream ?? 0, whole, 8, whole.length)
  }
  if (!bad && rest.length > 8 && (rest[0] & 0x7f) === FRAME.DATA) {
    sink.addData(rest.readUInt32BE(4), rest.subarray(8), false)
  }
  return { events: sink.text, error: bad ? 'protocol/bad-frame' : null }
}

const streamId = fc.oneof(fc.integer({ min: 1, max: 3 }), fc.constant(0x7fffffff))
const u32 = fc.integer({ min: 0, max: 0xffffffff })
const hex = (min: number, max: number) =>
  fc.uint8Array({ minLength: min, maxLength: max }).map((bytes) => Buffer.from(bytes).toString('hex'))
const fields = fc.string({ maxLength: 40 }).map((text) => Buffer.from(text).toString('latin1'))

/** Any legal frame of an edge. */
const edgeFrame: fc.Arbitrary<VectorFrame> = fc.oneof(
  fc
    .record({ type: fc.constantFrom('WELCOME', 'REJECT', 'GOAWAY'), text: fc.json() })
    .filter((f) => f.text.length > 1),
  fc.record({ type: fc.constantFrom('RETURN', 'DEMAND'), n: u32 }),
  fc.record({ type: fc.constantFrom('RECALL', 'DRAIN') }),
  fc.record({ type: fc.constant('VERDICT'), n: fc.integer({ min: 0, max: 255 }) }),
  fc.record({ type: fc.constantFrom('PING', 'PONG'), hex: hex(8, 8) }),
  fc.record({ type: fc.constant('WINDOW'), stream: streamId, n: u32 }),
  fc.record({ type: fc.constant('RESET'), stream: streamId, n: fc.integer({ min: 0, max: 65535 }) }),
  fc.record({ type: fc.constant('TRAILERS'), stream: streamId, end: fc.boolean(), text: fields }),
  fc.record({ type: fc.constant('DATA'), stream: streamId, end: fc.boolean(), hex: hex(1, 300) }),
  fc.record({
    type: fc.constant('OPEN'),
    stream: streamId,
    end: fc.boolean(),
    kind: fc.integer({ min: 0, max: 255 }),
    body: fc.integer({ min: 0, max: 255 }),
    bits: fc.integer({ min: 0, max: 65535 }),
    length: fc.maxSafeNat(),
    head: fields,
  }),
)

/** Cuts bytes at the given fractions. */
function cut(bytes: Buffer, cuts: readonly number[]): Buffer[] {
  const at = [0, ...cuts.map((c) => Math.floor(c * (bytes.length + 1))).sort((a, b) => a - b), bytes.length]
  return at.slice(1).map((end, i) => bytes.subarray(at[i], end))
}

const cuts = fc.array(fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), { maxLength: 12 })

describe('FrameDecoder', () => {
  it.each(FRAME_VECTORS.map((vector) => [vector.name, vector] as const))('decodes: %s', (_name, vector) => {
    const messages = messagesOf(vector)
    const expected = new EventSink()
    for (const frame of vector.frames ?? []) {
      const whole = referenceEncode(frame)
      if (frame.type === 'DATA') expected.addData(frame.stream ?? 0, whole.subarray(8), frame.end ?? false)
      else expected.onFrame(whole[0] & 0x7f, frame.end ?? false, frame.stream ?? 0, whole, 8, whole.length)
    }
    const result = { events: expected.text, error: vector.error ?? null }
    expect(decode(vector.from, messages)).toEqual(result)
    // Message boundaries mean nothing.
    const bytes = Buffer.concat(messages)
    expect(decode(vector.from, [bytes])).toEqual(result)
    if (bytes.length < 1000) {
      expect(
        decode(
          vector.from,
          [...bytes].map((byte) => Buffer.from([byte])),
        ),
      ).toEqual(result)
    }
  })

  it('agrees with the slow codec on any frames, cut anywhere', () => {
    fc.assert(
      fc.property(fc.array(edgeFrame, { maxLength: 8 }), cuts, (frames, at) => {
        const bytes = Buffer.concat(frames.map(referenceEncode))
        const slow = decodeSlowly('edge', bytes)
        expect(slow.error).toBe(null)
        expect(decode('edge', cut(bytes, at))).toEqual(slow)
      }),
      { numRuns: 300 },
    )
  })

  it('agrees with the slow codec on damaged frames, cut anywhere', () => {
    const damage = fc.record({ at: fc.nat(200), value: fc.integer({ min: 0, max: 255 }) })
    fc.assert(
      fc.property(fc.array(edgeFrame, { maxLength: 5 }), damage, cuts, (frames, { at, value }, points) => {
        const bytes = Buffer.concat(frames.map(referenceEncode))
        if (at < bytes.length) bytes[at] = value
        expect(decode('edge', cut(bytes, points))).toEqual(decodeSlowly('edge', bytes))
      }),
      { numRuns: 500 },
    )
  })

  it('agrees with the slow codec on arbitrary bytes, from either side', () => {
    const bytes = fc.uint8Array({ maxLength: 64 }).map((array) => Buffer.from(array))
    fc.assert(
      fc.property(fc.constantFrom<Side>('edge', 'linker'), bytes, cuts, (from, input, at) => {
        expect(decode(from, cut(input, at))).toEqual(decodeSlowly(from, input))
      }),
      { numRuns: 500 },
    )
  })

  it('hands DATA on as it arrives, END with the last part only', () => {
    const parts: [string, boolean][] = []
    const sink: FrameSink = {
      onFrame: () => expect.unreachable(),
      onData: (_stream, buffer, from, to, end) => parts.push([buffer.toString('latin1', from, to), end]),
    }
    const bytes = referenceEncode({ type: 'DATA', stream: 1, end: true, hex: '68656c6c6f' })
    const decoder = new FrameDecoder('linker')
    for (const [from, to] of [
      [0, 10],
      [10, 12],
      [12, 13],
    ])
      decoder.push(bytes, from, to, sink)
    expect(parts).toEqual([
      ['he', false],
      ['ll', false],
      ['o', true],
    ])
  })

  it('refuses a length above the bound with the last byte of the header, before it takes in any payload', () => {
    const header = Buffer.from([FRAME.DATA, 0x04, 0x00, 0x01, 0, 0, 0, 1])
    expect(header.readUIntBE(1, 3)).toBe(MAX_DATA_BYTES + 1)
    const decoder = new FrameDecoder('linker')
    const sink = new EventSink()
    decoder.push(header, 0, 7, sink)
    expect(() => decoder.push(header, 7, 8, sink)).toThrow('DATA of 262145 bytes; it has 1 to 262144')
  })

  it('says which rule was broken, and by whom', () => {
    const push = (from: Side, hexText: string) => () => {
      const bytes = Buffer.from(hexText, 'hex')
      new FrameDecoder(from).push(bytes, 0, bytes.length, new EventSink())
    }
    expect(push('edge', '7f00000000000000')).toThrow('unknown frame type 0x7f')
    expect(push('edge', '1000000400000000')).toThrow('GRANT from the edge')
    expect(push('linker', '1000000400000007')).toThrow('GRANT with stream id 7')
    expect(push('linker', '9000000400000000')).toThrow('GRANT with END')
    expect(push('edge', '3500000480000001')).toThrow('WINDOW with stream id 2147483649, above 2^31 - 1')
  })
})
