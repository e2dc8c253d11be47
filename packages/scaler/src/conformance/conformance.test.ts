import { test } from 'vitest'
import { conformance } from './conformance.ts'
import { countedDriver, namedDriver } from './fake/driver.testkit.ts'

// An honest adapter passes every case that its platform can be tried with.
conformance(namedDriver(), { test })
conformance(countedDriver('exact'), { test })
conformance(countedDriver('ordered'), { test })
conformance(countedDriver('any'), { test })
