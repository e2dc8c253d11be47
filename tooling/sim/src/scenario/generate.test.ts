import { expect, it } from 'vitest'
import { generate } from './generate.ts'

it('makes the same of the same seed, and of others something else', () => {
  expect(generate(7)).toEqual(generate(7))
  expect(generate(8)).not.toEqual(generate(7))
})

it('makes what JSON can keep', () => {
  for (let seed = 1; seed <= 50; seed++) {
    const scenario = generate(seed)
    expect(JSON.parse(JSON.stringify(scenario))).toEqual(scenario)
  }
})

it('gives each app time to start, and each request an app that there is', () => {
  for (let seed = 1; seed <= 200; seed++) {
    const { apps, requests } = generate(seed)
    for (const { startMs, startTimeoutMs } of apps) expect(startTimeoutMs).toBeGreaterThan(startMs)
    for (const { app } of requests) expect(apps.map(({ name }) => name)).toContain(app)
  }
})
