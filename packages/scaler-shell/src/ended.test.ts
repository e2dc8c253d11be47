import { describe, expect, it } from 'vitest'
import { ENDED_KEPT_MS, EndedLaunches, MAX_ENDED, MAX_ENDED_OUTPUTS, MAX_SPENT } from './ended.ts'

const entry = (launch: string, since: number) => ({ launch, state: 'ended', since }) as const

describe('EndedLaunches', () => {
  it('drops a record after ten minutes, and keeps its id spent', () => {
    const ended = new EndedLaunches()
    ended.add(entry('a', 1_000), ['line'])
    expect(ended.prune(1_000 + ENDED_KEPT_MS - 1)).toEqual([])
    expect(ended.prune(1_000 + ENDED_KEPT_MS)).toEqual(['a'])
    expect([ended.get('a'), ended.output('a'), ended.isSpent('a')]).toEqual([undefined, [], true])
  })

  it('drops the oldest records beyond 1000', () => {
    const ended = new EndedLaunches()
    for (let at = 0; at < MAX_ENDED + 2; at++) ended.add(entry(`l${at}`, 0), [])
    expect(ended.prune(0)).toEqual(['l0', 'l1'])
    expect([...ended.values()]).toHaveLength(MAX_ENDED)
  })

  it('keeps the output of the latest 20 only', () => {
    const ended = new EndedLaunches()
    for (let at = 0; at <= MAX_ENDED_OUTPUTS; at++) ended.add(entry(`l${at}`, 0), [`line ${at}`])
    expect(ended.output('l0')).toEqual([])
    expect(ended.output('l1')).toEqual(['line 1'])
  })

  it('remembers a bounded number of spent ids, the latest ones', () => {
    const ended = new EndedLaunches()
    for (let at = 0; at <= MAX_SPENT; at++) ended.spend(`l${at}`)
    expect([ended.isSpent('l0'), ended.isSpent('l1'), ended.isSpent(`l${MAX_SPENT}`)]).toEqual([
      false,
      true,
      true,
    ])
  })
})
