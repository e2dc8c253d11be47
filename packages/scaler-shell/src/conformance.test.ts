import { conformance } from '@brxy/scaler/conformance'
import { test } from 'vitest'
import { processDriver } from './drivers.testkit.ts'

conformance(processDriver(), { test })
