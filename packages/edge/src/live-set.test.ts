import { describe, expect, it } from 'vitest'
import { LiveSet } from './live-set.ts'

describe('LiveSet', () => {
  it('is empty at once if nobody is there', async () => {
    await new LiveSet().whenEmpty()
  })

  it('is empty when the last one has gone, and not before', async () => {
    const set = new LiveSet<string>()
    set.add('a').add('b')
    let isEmpty = false
    const empty = set.whenEmpty().then(() => {
      isEmpty = true
    })
    expect(set.delete('a')).toBe(true)
    expect(set.delete('c')).toBe(false)
    await Promise.resolve()
    expect(isEmpty).toBe(false)
    set.delete('b')
    await empty
    expect(set.size).toBe(0)
  })
})
