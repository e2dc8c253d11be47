import { basename } from 'node:path'
import { expect, it } from 'vitest'
import { publishedPackages } from './tree.ts'

const MAX_LINES = 400
/** Names that say nothing: what is in such a file belongs to some concept. */
const NAMELESS = /^(utils?|common|types|helpers?|misc|shared-types)\.ts$/

const sources = publishedPackages().flatMap((each) => each.sources)

it('no published source has more than 400 lines, for then it holds a second concept', () => {
  const long = sources.map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
  expect(long.filter(({ lines }) => lines > MAX_LINES)).toEqual([])
})

it('every published source is named after a concept', () => {
  expect(sources.filter(({ path }) => NAMELESS.test(basename(path))).map(({ path }) => path)).toEqual([])
})
