import { describe, expect, it } from 'vitest'
import { untilAccepted } from './until-accepted.ts'

describe('waiting for what was begun', () => {
  it('ends with a branded error when the call is aborted', async () => {
    const never = new Promise<void>(() => {})
    await expect(untilAccepted([never], AbortSignal.timeout(1))).rejects.toMatchObject({
      code: 'scaler/aborted',
    })
  })

  it('passes on why one has failed', async () => {
    const signal = new AbortController().signal
    await expect(untilAccepted([Promise.reject(new Error('no answer'))], signal)).rejects.toThrow('no answer')
  })
})
