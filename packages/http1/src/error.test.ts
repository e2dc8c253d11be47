import { describe, expect, it } from 'vitest'
import { HTTP1_ERRORS, Http1Error, type Http1ErrorCode } from './index.ts'
import { loadVectors } from './recorder.testkit.ts'

describe('Http1Error', () => {
  it('carries the brand of every brxy error', () => {
    const error = new Http1Error('http1/bad-host', 16)
    expect((error as unknown as Record<symbol, unknown>)[Symbol.for('brxy.error')]).toBe(true)
    expect(error).toMatchObject({
      name: 'BrxyError',
      code: 'http1/bad-host',
      status: 400,
      offset: 16,
      retryable: false,
    })
    expect(error.message).toBe('Host is a name or [IPv6] and optionally a port. At byte 16.')
  })

  it('has a vector for every code that bytes can cause', () => {
    const raised = new Set<string>()
    for (const file of ['requests', 'responses'] as const) {
      for (const { events } of loadVectors(file).flatMap((row) => row.cases)) {
        for (const event of events)
          if (typeof event === 'object' && 'error' in event) raised.add(event.error.code)
      }
    }
    // Those three need a caller: bytes without begin, canonical heads, writers.
    const elsewhere: Http1ErrorCode[] = ['http1/unsolicited', 'http1/not-canonical', 'http1/bad-argument']
    const expected = (Object.keys(HTTP1_ERRORS) as Http1ErrorCode[]).filter(
      (code) => !elsewhere.includes(code),
    )
    expect([...raised].sort()).toEqual(expected.sort())
  })
})
