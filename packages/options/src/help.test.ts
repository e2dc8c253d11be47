import { describe, expect, it } from 'vitest'
import { markdownTable } from './describe.ts'
import { defineOptions, helpLines } from './index.ts'

const TABLE = defineOptions({
  concurrency: { kind: 'integer', default: 1, min: 1, flag: true, alias: 'c', doc: 'Requests at a time.' },
  holdMs: {
    kind: 'duration',
    default: 50_000,
    min: 1,
    max: 3_600_000,
    flag: true,
    group: 'Holding',
    doc: 'Longest time a request may be held before the client gets an answer that says why.',
  },
  ports: {
    kind: 'strings',
    flag: 'port',
    alias: 'p',
    placeholder: '[HOST:]PORT',
    doc: 'Where clients connect.',
  },
  onExit: { kind: 'enum', values: ['stop', 'keep'], flag: true, doc: 'What becomes of instances.' },
  color: { kind: 'boolean', default: true, flag: true, doc: 'Plain output.' },
  token: { kind: 'secret', flag: true, doc: 'Proof.' },
  heldBytes: { kind: 'bytes', default: 65_536, max: 2 ** 20, doc: 'No flag.' },
})

describe('helpLines', () => {
  it('aligns flags and texts, with default and variable, and puts groups last', () => {
    expect(helpLines(TABLE, 100)).toEqual([
      '  -c, --concurrency N       Requests at a time. (default 1, BRXY_CONCURRENCY)',
      '  -p, --port [HOST:]PORT    Where clients connect. (repeatable, BRXY_PORT)',
      '      --on-exit stop|keep   What becomes of instances. (BRXY_ON_EXIT)',
      '      --no-color            Plain output. (default true, BRXY_COLOR)',
      '      --token SECRET        Proof. (BRXY_TOKEN)',
      '',
      'Holding:',
      '      --hold TIME           Longest time a request may be held before the client gets an answer that',
      '                            says why. (default 50s, BRXY_HOLD)',
    ])
  })

  it.each([40, 80, 120])('keeps lines within %i columns', (width) => {
    for (const line of helpLines(TABLE, width))
      expect(line.length).toBeLessThanOrEqual(Math.max(width, 28 + 24))
  })

  it('puts the text of a very long flag on the next line', () => {
    const table = defineOptions({
      longName: { kind: 'string', flag: 'a-rather-long-name-for-a-flag', doc: 'X.' },
      a: { kind: 'boolean', flag: true, doc: 'Y.' },
    })
    expect(helpLines(table, 80)).toEqual([
      '      --a-rather-long-name-for-a-flag TEXT',
      '            X. (BRXY_A_RATHER_LONG_NAME_FOR_A_FLAG)',
      '      --a   Y. (BRXY_A)',
    ])
  })
})

describe('markdownTable', () => {
  it('lists every row with its names, default and range', () => {
    const lines = markdownTable(TABLE).split('\n')
    expect(lines).toContain(
      '| `hold` | `--hold TIME` | `BRXY_HOLD` | `50s` | 1ms to 1h | Longest time a request may be held before the client gets an answer that says why. |',
    )
    expect(lines).toContain('| `held` |  | `BRXY_HELD` | `64KiB` | at most 1MiB | No flag. |')
    expect(lines).toContain(
      '| `onExit` | `--on-exit stop\\|keep` | `BRXY_ON_EXIT` | none | `stop`, `keep` | What becomes of instances. |',
    )
    expect(lines).toContain('| `color` | `--color` | `BRXY_COLOR` | `true` |  | Plain output. |')
    expect(lines).toHaveLength(2 + Object.keys(TABLE).length + 1)
  })
})
