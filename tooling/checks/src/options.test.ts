import { expect, it } from 'vitest'
import { EDGE_OPTIONS } from '../../../packages/edge/src/options.ts'
import { LINKER_OPTIONS } from '../../../packages/linker/src/options.ts'
import { APP_OPTIONS, SHELL_OPTIONS } from '../../../packages/scaler-shell/src/options.ts'
import { publishedPackages } from './tree.ts'

const sources = publishedPackages().flatMap((each) => each.sources)

/** Names of all options of a table, without those of sections themselves. */
function namesOf(table: object): string[] {
  return Object.entries(table).flatMap(([name, row]) => ('table' in row ? namesOf(row.table) : [name]))
}

it.each([
  ['edge', EDGE_OPTIONS],
  ['linker', LINKER_OPTIONS],
  ['scaler-shell', { ...SHELL_OPTIONS, ...APP_OPTIONS }],
])('every option of %s is used by the code: no key is accepted that does nothing', (folder, table) => {
  const code = sources
    .filter(({ path }) => path.startsWith(`packages/${folder}/`) && !/options\.ts$/.test(path))
    .map(({ text }) => text)
    .join('\n')
  const names = [...new Set(namesOf(table))]
  expect(names.length).toBeGreaterThan(3)
  expect(names.filter((name) => !new RegExp(`\\b${name}\\b`).test(code))).toEqual([])
})
