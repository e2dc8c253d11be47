import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { fuzz } from './fuzz.ts'
import type { Random } from './random.ts'
import type { Target } from './target.ts'

let corpus: string
beforeEach(() => {
  corpus = mkdtempSync(join(tmpdir(), 'brxy-corpus-'))
})
afterEach(() => rmSync(corpus, { recursive: true }))

/** Fails with one case in a hundred, while it is broken. */
class Sometimes implements Target<{ n: number }> {
  readonly name = 'sometimes'
  readonly counts = {}
  readonly #isBroken: boolean
  readonly ran: number[] = []

  constructor(isBroken: boolean) {
    this.#isBroken = isBroken
  }

  make(random: Random): { n: number } {
    return { n: random.below(100) }
  }

  run({ n }: { n: number }): void {
    this.ran.push(n)
    if (this.#isBroken && n === 7) throw new Error('seven')
  }

  async close(): Promise<void> {}
}

const options = (seed: number, ms: number) => ({ ms, seed, corpus, saves: true })

it('a failure is kept, found again by its seed, and run first ever after', async () => {
  const found = await fuzz(new Sometimes(true), options(1, 100))
  expect(found.failures.length).toBeGreaterThan(0)
  expect(readdirSync(corpus)).toHaveLength(1)
  const { seed, message } = found.failures[0]
  expect(message).toMatch(/^seven/)

  const replayed = new Sometimes(true)
  const again = await fuzz(replayed, options(0, 1))
  expect([again.replayed, replayed.ran[0], again.failures[0].message.slice(0, 5)]).toEqual([1, 7, 'seven'])

  const bySeed = new Sometimes(false)
  await fuzz(bySeed, options(seed, 1))
  expect(bySeed.ran.slice(0, 2)).toEqual([7, 7])
})

it('the same seed is the same history', async () => {
  const [first, second] = [new Sometimes(false), new Sometimes(false)]
  await fuzz(first, options(5, 20))
  await fuzz(second, options(5, 20))
  expect(second.ran.slice(0, 30)).toEqual(first.ran.slice(0, 30))
})

it('a target that fails all the time is left alone', async () => {
  const target = new Sometimes(true)
  target.make = () => ({ n: 7 })
  const { failures, executions } = await fuzz(target, options(1, 10_000))
  expect([failures.length, executions]).toEqual([10, 10])
})
