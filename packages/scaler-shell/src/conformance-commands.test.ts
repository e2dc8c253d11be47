import { conformance } from '@brxy/scaler/conformance'
import { test } from 'vitest'
import { submittingDriver, wholeAppDriver } from './drivers.testkit.ts'

// Beside conformance.test.ts, and not in it, so that both run at a time.
conformance(submittingDriver(), { test })
conformance(wholeAppDriver(), { test })
