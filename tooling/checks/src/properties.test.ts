import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { BY_TABLE, ELSEWHERE, isStateful, unstated } from './properties.ts'
import { publishedPackages, ROOT, read } from './tree.ts'

const sources = publishedPackages().flatMap((each) => each.sources)
const textOf = (path: string) => (existsSync(join(ROOT, path)) ? read(path) : null)

describe('the state machines', () => {
  it('have their invariants stated beside them, or where the list says', () => {
    expect(unstated(sources, textOf)).toEqual([])
  })

  it('are all that the lists name', () => {
    const machines = sources.filter(isStateful).map(({ path }) => path)
    for (const [machine] of ELSEWHERE)
      expect(
        machines.some((path) => machine.test(path)),
        `${machine}`,
      ).toBe(true)
    for (const path of BY_TABLE.keys()) expect(machines).toContain(path)
  })
})

describe('the rule of invariants', () => {
  const path = 'packages/edge/src/scale/pause.ts'
  const text = 'export class Pause {\n  #untilMs = 0\n}\n'

  it('finds a machine that remembers and of which nothing is stated', () => {
    expect(unstated([{ path, text }], () => null)).toHaveLength(1)
    expect(unstated([{ path, text }], () => "import { it } from 'vitest'")).toHaveLength(1)
  })

  it.each(['pause.property.test.ts', 'pause.test.ts'])('is content with %s beside it', (test) => {
    const textOf = (path: string) => (path.endsWith(`/${test}`) ? "import fc from 'fast-check'" : null)
    expect(unstated([{ path, text }], textOf)).toEqual([])
  })

  it.each([
    ['a function', 'export function pause(): number {\n  return 1\n}\n'],
    ['what only passes on', 'export class Pause {\n  readonly #of: Other\n  #end(): void {}\n}\n'],
  ])('asks nothing of %s', (_, text) => {
    expect(unstated([{ path, text }], () => null)).toEqual([])
  })
})
