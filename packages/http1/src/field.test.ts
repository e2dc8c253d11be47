import { describe, expect, it } from 'vitest'
import { FIELD_COUNT } from './field.ts'
import { FIELD, fieldOf, fieldSet } from './index.ts'

describe('fieldOf', () => {
  it('knows every listed name in any case', () => {
    for (const [key, field] of Object.entries(FIELD)) {
      if (key.endsWith('OTHER')) continue
      const name = key.toLowerCase().replaceAll('_', '-')
      expect(fieldOf(name), name).toBe(field)
      expect(fieldOf(name.toUpperCase()), name).toBe(field)
      expect(fieldOf(`${name}x`), name).not.toBe(field)
      expect(fieldOf(name.slice(1)), name).not.toBe(field)
    }
  })

  it('tells the rest of a family from unknown names', () => {
    expect(fieldOf('X-Forwarded-Prefix')).toBe(FIELD.X_FORWARDED_OTHER)
    expect(fieldOf('content-encoding')).toBe(FIELD.CONTENT_OTHER)
    expect(fieldOf('Brxy-Anything')).toBe(FIELD.BRXY_OTHER)
    expect(fieldOf('Proxy-Authorisation')).toBe(FIELD.PROXY_AUTH_OTHER)
    for (const name of [
      '',
      'x',
      'X-Forwarded',
      'X-Forwarded-',
      'content',
      'Brxy-',
      'hos',
      'hosts',
      'h_st',
      'content_length',
    ]) {
      expect(fieldOf(name), name).toBe(FIELD.OTHER)
    }
  })

  it('has ids without gaps', () => {
    expect(Object.values(FIELD).sort((a, b) => a - b)).toEqual(
      Array.from({ length: FIELD_COUNT }, (_, id) => id),
    )
  })
})

describe('fieldSet', () => {
  it('has 256 entries, 1 for each given id', () => {
    const set = fieldSet(FIELD.HOST, FIELD.DATE)
    expect(set).toHaveLength(256)
    expect([set[FIELD.HOST], set[FIELD.DATE], set[FIELD.OTHER], set.reduce((sum, bit) => sum + bit)]).toEqual(
      [1, 1, 0, 2],
    )
  })
})
