import { describe, expect, it } from 'vitest'
import { referenceSections } from './describe.ts'
import { defineOptions } from './index.ts'
import { SAMPLE } from './sample.testkit.ts'

const text = referenceSections(SAMPLE, 'All options')
const rows = text.split('\n')

describe('referenceSections', () => {
  it('has a heading for each section, in the order of the file, made of its path', () => {
    expect(rows.filter((row) => row.startsWith('#'))).toEqual([
      '## All options',
      '### `listen[]`',
      '### `listen[].certs[]`',
      '### `tunnel`',
      '### `tunnel.tls`',
      '### `defaults`',
      '### `defaults.queue`',
      '### `defaults.page`',
      '### `defaults.probes[]`',
      '### `apps.NAME`',
      '### `apps.NAME.queue`',
      '### `apps.NAME.page`',
      '### `apps.NAME.probes[]`',
    ])
  })

  it.each([
    '| key | type | default | flag | environment | |',
    '| `version` | `1`, `2` | none |  | `BRXY_VERSION` | Which syntax. |',
    '| [`listen`](#listen) | list of sections, or of texts: `bind` | `:80` | `-p`, `--port TEXT` | `BRXY_PORT` | Where clients connect. |',
    '| `bind` | text | required |  |  | An address. |',
    '| `bind` | text | `:9080` | `--tunnel TEXT` | `BRXY_TUNNEL` | An address. |',
    '| [`tls`](#tunneltls) | section | none |  |  | Encryption. |',
    '| [`tunnel`](#tunnel) | section |  |  |  | Where linkers connect. |',
    '| [`apps`](#appsname) | a section for each `NAME`: one to eight lower case letters | none |  |  | The apps. |',
    '| `scaler` | one `SCALER` with its options | required |  |  | What starts it. |',
    '| `scalers` | options of each `SCALER` | none |  |  | What all apps of a scaler share. |',
    '| `hold` | duration, 1ms to 1h | `50s` | `--hold TIME` | `BRXY_HOLD` | Longest wait. |',
    '| `hold` | duration, 1ms to 1h | as in [`defaults`](#defaults) |  |  | Longest wait. |',
    '| `bytes` | size | as in [`defaults`](#defaults) |  |  | Their bytes. |',
    '| [`queue`](#appsnamequeue) | section | as in [`defaults`](#defaults) |  |  | What may wait. |',
    '| [`probes`](#appsnameprobes) | list of sections | as in [`defaults`](#defaults) |  |  | What wakes nothing. |',
  ])('has the row %s', (row) => {
    expect(rows).toContain(row)
  })

  it('links only to headings that are there, and numbers those that would be the same', () => {
    const string = { kind: 'string', doc: 'X.' } as const
    const inner = (name: string) => ({ kind: 'section', doc: 'X.', table: { [name]: string } }) as const
    const table = defineOptions({
      ab: inner('one'),
      a: { kind: 'section', doc: 'X.', table: { b: inner('two') } },
    })
    expect(referenceSections(table, 'T')).toContain('[`b`](#ab-1)')
    const anchors = rows
      .filter((row) => row.startsWith('#'))
      .map((row) =>
        row
          .toLowerCase()
          .replace(/^#+ /, '')
          .replace(/[^a-z -]/g, '')
          .replaceAll(' ', '-'),
      )
    const links = [...text.matchAll(/\]\(#([^)]*)\)/g)].map(([, link]) => link)
    expect(links.length).toBeGreaterThan(10)
    expect(anchors).toEqual(expect.arrayContaining(links))
  })
})
