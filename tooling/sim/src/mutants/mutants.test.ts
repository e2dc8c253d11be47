import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, vi } from 'vitest'
import { apply } from '../machine/hooks.ts'
import { sim } from '../sim.testkit.ts'
import type { HuntResult } from './hunt.ts'
import { findMutant, MUTANTS, patchesOf } from './mutants.ts'

vi.setConfig({ testTimeout: 900_000 })

const built = (file: string) =>
  readFileSync(fileURLToPath(new URL(`../../../../${file}`, import.meta.url)), 'utf8')

describe('planted bugs', () => {
  it('are at least twenty, each with a name of its own', () => {
    expect(MUTANTS.length).toBeGreaterThanOrEqual(20)
    expect(new Set(MUTANTS.map(({ name }) => name)).size).toBe(MUTANTS.length)
  })

  it.each(MUTANTS.map((mutant) => [mutant.name, mutant] as const))(
    '%s changes what is there once',
    (_, mutant) => {
      for (const patch of patchesOf(mutant)) {
        const source = built(patch.file)
        expect(apply(patch, source)).not.toBe(source)
      }
    },
  )

  it('whose text is not there, or there twice, are an error', () => {
    const mutant = { ...findMutant('no-credit'), search: 'x' }
    expect(() => apply(mutant, 'y')).toThrow(/0 times/)
    expect(() => apply(mutant, 'xx')).toThrow(/2 times/)
  })

  // All of them are for `pnpm sim --mutants`; these take a few seeds.
  it('of several kinds are found', async () => {
    const names = ['unsafe-again', 'no-match-on-grant', 'freed-twice', 'read-buffer-too-early', 'beyond-max']
    const { result } = await sim<HuntResult[]>(
      '--mutants',
      '--seeds',
      '60',
      ...names.flatMap((name) => ['--only', name]),
    )
    expect(result.map(({ name }) => name).sort()).toEqual([...names].sort())
    for (const { name, foundAfter } of result) expect(foundAfter, name).not.toBeNull()
  })
})
