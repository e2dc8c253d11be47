import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { EdgeTarget } from './edge-target.ts'
import { fuzz } from './fuzz.ts'
import { Http1Target } from './http1-target.ts'
import type { Target } from './target.ts'
import { TunnelTarget } from './tunnel-target.ts'

const corpus = fileURLToPath(new URL('../corpus', import.meta.url))
const seed = Number(process.env.FUZZ_SEED ?? Math.floor(Math.random() * 2 ** 31))

const targets: Record<string, () => Promise<Target<unknown>>> = {
  http1: async () => new Http1Target() as Target<unknown>,
  tunnel: async () => new TunnelTarget() as Target<unknown>,
  edge: async () => (await EdgeTarget.start()) as Target<unknown>,
}

describe(`a short run (FUZZ_SEED=${seed})`, () => {
  it.each(Object.entries(targets))('finds nothing in %s', { timeout: 60_000 }, async (_, start) => {
    const target = await start()
    try {
      const report = await fuzz(target, { ms: 2_000, seed, corpus, saves: false })
      const text = JSON.stringify(report, null, 1)
      expect(report.failures, text).toEqual([])
      // Whatever is counted has happened: else the run would have proved nothing. (Few cases, on a busy machine, need not.)
      if (report.executions < 300) return
      for (const [what, count] of Object.entries(report.counts))
        expect(count, `${what} in ${text}`).toBeGreaterThan(0)
    } finally {
      await target.close()
    }
  })
})
