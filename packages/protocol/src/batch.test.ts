import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { COPY_BYTES, FrameBatch } from './batch.ts'
import { FRAME, HEAD_PREFIX_BYTES } from './frame.ts'
import { writeHeadPrefix } from './head-prefix.ts'
import {
  formatHex,
  parseHex,
  referenceDecode,
  referenceEncode,
  type VectorFrame,
} from './reference-codec.testkit.ts'
import { FRAME_VECTORS, messagesOf } from './vectors.testkit.ts'

/** Encodes with the calls that the sessions use. */
function put(batch: FrameBatch, frame: VectorFrame): void {
  const type = FRAME[frame.type as keyof typeof FRAME]
  const end = frame.end ?? false
  const stream = frame.stream ?? 0
  switch (frame.type) {
    case 'LEAVE':
    case 'REPLACE':
    case 'RECALL':
    case 'DRAIN':
      batch.empty(type, end, stream)
      return
    case 'GRANT':
    case 'RECLAIM':
    case 'RETURN':
    case 'DEMAND':
    case 'WINDOW':
      batch.u32(type, stream, frame.n ?? 0)
      return
    case 'REFUSE':
    case 'RESET':
      batch.u16(type, stream, frame.n ?? 0)
      return
    case 'VERDICT': {
      const at = batch.begin(1)
      batch.slab[at] = frame.n ?? 0
      batch.commit(type, end, stream, at + 1)
      return
    }
    case 'OPEN':
    case 'HEAD': {
      const head = Buffer.concat([parseHex(frame.addresses ?? ''), Buffer.from(frame.head ?? '', 'latin1')])
      const isOpen = frame.type === 'OPEN'
      const first = (isOpen ? frame.kind : frame.body) ?? 0
      const second = (isOpen ? frame.body : 0) ?? 0
      let at = batch.begin(HEAD_PREFIX_BYTES + head.length)
      at = writeHeadPrefix(at, batch.slab, first, second, frame.bits ?? 0, Number(frame.length ?? 0))
      head.copy(batch.slab, at)
      batch.commit(type, end, stream, at + head.length)
      return
    }
    case 'DATA': {
      const payload = parseHex(frame.hex ?? '')
      batch.payload(type, end, stream, payload, 0, payload.length)
      return
    }
    default: {
      const text = frame.text ?? (frame.json === undefined ? null : JSON.stringify(frame.json))
      const payload = text === null ? parseHex(frame.hex ?? '') : Buffer.from(text, 'latin1')
      batch.copy(type, end, stream, payload, 0, payload.length)
      return
    }
  }
}

const GOOD = FRAME_VECTORS.filter((vector) => vector.error === undefined)

describe('FrameBatch', () => {
  it.each(GOOD.map((vector) => [vector.name, vector] as const))('encodes: %s', (_name, vector) => {
    const batch = new FrameBatch()
    for (const frame of vector.frames ?? []) put(batch, frame)
    expect(formatHex(Buffer.concat(batch.take()))).toBe(formatHex(Buffer.concat(messagesOf(vector))))
  })

  it('counts frames and bytes until they are taken', () => {
    const batch = new FrameBatch()
    expect(batch.isEmpty).toBe(true)
    batch.u32(FRAME.GRANT, 0, 1)
    batch.payload(FRAME.DATA, false, 1, Buffer.alloc(5000), 0, 5000)
    expect([batch.isEmpty, batch.frameCount, batch.byteCount]).toEqual([false, 2, 12 + 8 + 5000])
    batch.take()
    expect([batch.isEmpty, batch.frameCount, batch.byteCount]).toEqual([true, 0, 0])
  })

  it('copies payloads up to 4 KiB and keeps a reference to larger ones', () => {
    const batch = new FrameBatch()
    const small = Buffer.alloc(COPY_BYTES, 1)
    const large = Buffer.alloc(COPY_BYTES + 1, 2)
    expect(batch.payload(FRAME.DATA, false, 1, small, 0, small.length)).toBe(false)
    expect(batch.payload(FRAME.DATA, false, 1, large, 0, large.length)).toBe(true)
    small.fill(0)
    const segments = batch.take()
    expect(segments).toHaveLength(2)
    expect(segments[0].subarray(8, 8 + COPY_BYTES).every((byte) => byte === 1)).toBe(true)
    expect(segments[1].buffer).toBe(large.buffer)
  })

  it('calls onFrame after each frame', () => {
    const batch = new FrameBatch()
    let calls = 0
    batch.onFrame = () => calls++
    batch.empty(FRAME.LEAVE, false, 0)
    batch.payload(FRAME.DATA, false, 1, Buffer.alloc(9000), 0, 9000)
    expect(calls).toBe(2)
  })

  it('forgets a frame that was begun and not committed', () => {
    const batch = new FrameBatch()
    batch.slab.fill(0xaa, batch.begin(1000), 1000)
    batch.u32(FRAME.GRANT, 0, 7)
    expect(Buffer.concat(batch.take()).toString('hex')).toBe('100000040000000000000007')
  })

  it('asserts that nothing came between begin and commit, and that the payload fits its room', () => {
    const batch = new FrameBatch()
    const at = batch.begin(100)
    batch.u32(FRAME.GRANT, 0, 7)
    expect(() => batch.commit(FRAME.OPEN, false, 1, at + 12)).toThrow('commit ends one begun frame')
    const again = batch.begin(12)
    expect(() => batch.commit(FRAME.OPEN, false, 1, again + 13)).toThrow('within its room')
    const empty = new FrameBatch()
    const end = empty.begin(8)
    empty.commit(FRAME.LEAVE, false, 0, end)
    expect(() => empty.commit(FRAME.LEAVE, false, 0, end)).toThrow('commit ends one begun frame')
  })

  it('keeps a begun frame when the batch is taken and released before it is committed', () => {
    const batch = new FrameBatch()
    batch.u32(FRAME.GRANT, 0, 1)
    const at = batch.begin(4)
    batch.slab.writeUInt32BE(0xcafe, at)
    expect(Buffer.concat(batch.take())).toHaveLength(12)
    batch.release()
    batch.commit(FRAME.RECLAIM, false, 0, at + 4)
    expect(Buffer.concat(batch.take()).toString('hex')).toBe('11000004000000000000cafe')
  })

  it('writes from the start of the slab again once it was released, and not before', () => {
    const batch = new FrameBatch()
    const first = batch.begin(0)
    batch.commit(FRAME.LEAVE, false, 0, first)
    batch.release()
    expect(batch.begin(0)).toBeGreaterThan(first)
    batch.take()
    expect(batch.begin(0)).toBeGreaterThan(first)
    batch.take()
    batch.empty(FRAME.LEAVE, false, 0)
    batch.take()
    batch.release()
    expect(batch.begin(0)).toBe(first)
  })

  it('puts any frames out in order, whatever was taken and released between them', () => {
    const command = fc.oneof(
      { weight: 8, arbitrary: fc.record({ put: fc.nat(70_000), stream: fc.integer({ min: 1, max: 9 }) }) },
      { weight: 2, arbitrary: fc.constantFrom('take', 'take and release') },
    )
    fc.assert(
      fc.property(fc.array(command, { maxLength: 40 }), (commands) => {
        const batch = new FrameBatch()
        const expected: Buffer[] = []
        const sent: Buffer[] = []
        let held: Buffer[] = []
        for (const c of commands) {
          if (typeof c === 'string') {
            held.push(...batch.take())
            if (c === 'take') continue
            // The kernel has the bytes now: what was held is what it got.
            sent.push(Buffer.concat(held))
            held = []
            batch.release()
            continue
          }
          const bytes = Math.max(1, c.put)
          const payload = Buffer.alloc(bytes, expected.length + 1)
          if (c.put % 3 === 0) batch.copy(FRAME.TRAILERS, true, c.stream, payload, 0, Math.min(bytes, 65536))
          else batch.payload(FRAME.DATA, false, c.stream, payload, 0, bytes)
          const frame: VectorFrame =
            c.put % 3 === 0
              ? { type: 'TRAILERS', end: true, stream: c.stream, text: payload.toString('latin1', 0, 65536) }
              : { type: 'DATA', stream: c.stream, hex: formatHex(payload) }
          expected.push(referenceEncode(frame))
        }
        sent.push(...held, ...batch.take())
        const bytes = Buffer.concat(sent)
        expect(bytes.equals(Buffer.concat(expected))).toBe(true)
        expect(referenceDecode('edge', bytes).bad).toBe(false)
      }),
      { numRuns: 60 },
    )
  })
})
