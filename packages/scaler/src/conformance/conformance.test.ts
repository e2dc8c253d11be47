import { readdirSync } from 'node:fs'
import { expect, test } from 'vitest'
import { conformance } from './conformance.ts'
import { countedDriver, namedDriver } from './fake/driver.testkit.ts'

// An honest adapter passes every case that its platform can be tried with.
conformance(namedDriver(), { test })
conformance(countedDriver('exact'), { test })
conformance(countedDriver('ordered'), { test })
conformance(countedDriver('any'), { test })

test('beside each file of cases is one with the bugs that they catch', () => {
  const names = readdirSync(new URL('cases', import.meta.url))
  const files = names.filter((name) => !name.endsWith('.test.ts') && name !== 'all.ts')
  expect(
    files.map((name) => name.replace(/\.ts$/, '.test.ts')).filter((name) => !names.includes(name)),
  ).toEqual([])
})
