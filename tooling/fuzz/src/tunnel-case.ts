import type { VectorFrame } from '../../../packages/protocol/src/reference-codec.testkit.ts'
import type { Random } from './random.ts'

/** What one of the two ends does, or what somebody hostile puts on the wire between them. */
export type TunnelStep =
  | {
      readonly do: (typeof DEEDS)[number]
      /** Which stream. */
      readonly which: number
      readonly size: number
      readonly body: 0 | 1 | 2
    }
  | { readonly do: 'inject'; readonly to: 'edge' | 'linker'; readonly frame: VectorFrame }
  | { readonly do: 'garbage'; readonly to: 'edge' | 'linker'; readonly hex: string }

/** A history of a session: first it is up with 8 grants, unless `early`. */
export interface TunnelCase {
  readonly early: boolean
  readonly seed: number
  readonly fragmentBytes: number
  readonly budgetBytes: number
  readonly steps: readonly TunnelStep[]
  /** Ends of the pieces in which the injected bytes are also given to a decoder alone, as fractions of a million. */
  readonly cuts: readonly number[]
}

/** Legal in themselves; the order is chance's. Those that move the most bytes are there more often. */
const DEEDS = [
  'open',
  'open',
  'open tcp',
  'open upgrade',
  'interim',
  'head',
  'head',
  'write',
  'write',
  'write back',
  'write back',
  'end',
  'end back',
  'reset',
  'reset back',
  'refuse',
  'grant',
  'reclaim',
  'status',
  'leave',
  'replace',
  'verdict',
  'recall',
  'token',
  'demand',
  'drain',
  'drain back',
  'stick',
  'unstick',
  'deliver',
  'deliver',
  'deliver',
  'time',
] as const

const TYPES = [
  ...['HELLO', 'WELCOME', 'REJECT', 'TOKEN', 'STATUS', 'GRANT', 'RECLAIM', 'RETURN', 'DEMAND', 'LEAVE'],
  ...['VERDICT', 'REPLACE', 'RECALL', 'DRAIN', 'GOAWAY', 'PING', 'PONG'],
  // Those of streams are half of it.
  ...['OPEN', 'REFUSE', 'HEAD', 'HEAD', 'DATA', 'DATA', 'DATA', 'TRAILERS', 'WINDOW', 'WINDOW', 'RESET'],
]
const NUMBERS = [0, 1, 2, 3, 5, 255, 65_535, 65_536, 1_000_000, 0x7fff_ffff, 0xffff_ffff]
const TEXTS = [
  '',
  '{}',
  '[]',
  'null',
  '{"code":"a/b","message":"x","retryable":true}',
  '{"phase":"ready","slots":1}',
  '\xff',
]

export function makeTunnelCase(random: Random): TunnelCase {
  const hostility = random.pick([0, 0, 0.05, 0.3])
  const steps = Array.from({ length: 5 + random.below(60) }, (): TunnelStep => {
    const to = random.chance(0.5) ? 'edge' : 'linker'
    if (!random.chance(hostility)) {
      const size = random.chance(0.7) ? 1 + random.below(200) : 1 + random.below(150_000)
      return { do: random.pick(DEEDS), which: random.below(8), size, body: random.pick([0, 1, 2] as const) }
    }
    if (random.chance(0.8)) return { do: 'inject', to, frame: makeFrame(random) }
    const bytes = Array.from({ length: 1 + random.below(40) }, () => random.below(256))
    return { do: 'garbage', to, hex: Buffer.from(bytes).toString('hex') }
  })
  return {
    early: random.chance(0.1),
    seed: random.below(2 ** 31),
    fragmentBytes: random.pick([0, 200, 3_000, 40_000]),
    budgetBytes: random.pick([0, 100_000, 10_000_000]),
    steps,
    cuts: Array.from({ length: random.below(5) }, () => random.below(1_000_000)),
  }
}

function makeFrame(random: Random): VectorFrame {
  const type = random.pick(TYPES)
  const isOfStream = /OPEN|REFUSE|HEAD|DATA|TRAILERS|WINDOW|RESET/.test(type)
  // Now and then an id where none belongs, or none where one does.
  const stream = isOfStream !== random.chance(0.03) ? 1 + random.below(random.pick([4, 12])) : 0
  return {
    type,
    stream,
    end: random.chance(isOfStream ? 0.3 : 0.03),
    n: clamp(type, random.pick(NUMBERS)),
    text: random.pick(TEXTS),
    kind: random.below(4),
    body: random.below(4),
    bits: random.below(4),
    length: random.pick([0, 1, 100, 2 ** 53 - 1, '18446744073709551615']),
    head: random.pick(['', 'x', 'HTTP/1.1 200 OK\r\n\r\n']),
    // The bytes of PING, PONG and DATA; JSON goes by `text`.
    ...(type === 'DATA' ? { hex: random.pick(['61', '61*70000', '61*262144']) } : {}),
    ...(type === 'PING' || type === 'PONG' ? { hex: '00*8' } : {}),
  }
}

/** The number fits its field. */
function clamp(type: string, n: number): number {
  if (type === 'VERDICT') return n & 0xff
  return type === 'REFUSE' || type === 'RESET' ? n & 0xffff : n
}
