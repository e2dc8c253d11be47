import { describe, expect, it } from 'vitest'
import { BODY_NONE } from '../frame.ts'
import { referenceEncode } from '../reference-codec.testkit.ts'
import { ALIVE, DEAD, Liveness, SEND_PING } from './liveness.ts'
import { Pair } from './pair.testkit.ts'

const OPTIONS = { pingMs: 10_000, lateMs: 1_000, openSilenceMs: 1_000, suspectMs: 2_000 }
const at = (random = 0) => new Liveness(OPTIONS, () => random, 0)

describe('Liveness', () => {
  it('pings after silence, and again, and then the peer is dead', () => {
    const liveness = at()
    expect(liveness.tick(9_999)).toBe(ALIVE)
    expect([10_000, 20_000, 30_000].map((now) => liveness.tick(now))).toEqual([SEND_PING, SEND_PING, DEAD])
  })

  it('pings up to a tenth earlier at random, also after it heard something', () => {
    const liveness = at(0.5)
    expect(liveness.nextDeadline()).toBe(9_500)
    liveness.heard(1_000)
    expect(liveness.nextDeadline()).toBe(10_500)
    liveness.tick(10_500)
    expect(liveness.nextDeadline()).toBe(20_000)
  })

  it('takes any byte as life, at any point', () => {
    const liveness = at()
    liveness.tick(10_000)
    liveness.tick(20_000)
    expect(liveness.heard(29_999)).toBe(false)
    expect([39_999, 49_999, 59_999].map((now) => liveness.tick(now))).toEqual([SEND_PING, SEND_PING, DEAD])
  })

  it('gives no verdict when its own timer was late, and asks again within a second', () => {
    const liveness = at()
    liveness.tick(10_000)
    liveness.tick(20_000)
    expect(liveness.tick(31_001)).toBe(ALIVE)
    expect(liveness.nextDeadline()).toBe(32_001)
    expect(liveness.tick(32_001)).toBe(DEAD)
    const other = at()
    other.tick(10_000)
    other.tick(20_000)
    expect(other.tick(31_000)).toBe(DEAD)
  })

  it('pings 1 s after an OPEN that was followed by silence, and suspects 2 s later, until it hears something', () => {
    const liveness = at()
    liveness.opened(100)
    liveness.opened(500)
    expect(liveness.nextDeadline()).toBe(1_100)
    expect(liveness.tick(1_100)).toBe(SEND_PING)
    expect(liveness.suspect).toBe(false)
    expect(liveness.nextDeadline()).toBe(3_100)
    expect(liveness.tick(3_100)).toBe(ALIVE)
    expect(liveness.suspect).toBe(true)
    expect(liveness.nextDeadline()).toBe(10_000)
    expect(liveness.heard(4_000)).toBe(true)
    expect(liveness.suspect).toBe(false)
    expect(liveness.nextDeadline()).toBe(14_000)
  })

  it('suspects nobody when its own timer was late', () => {
    const liveness = at()
    liveness.opened(0)
    liveness.tick(1_000)
    expect(liveness.tick(5_000)).toBe(ALIVE)
    expect(liveness.suspect).toBe(false)
    expect(liveness.nextDeadline()).toBe(8_000)
    liveness.tick(8_000)
    expect(liveness.suspect).toBe(true)
  })
})

describe('a session', () => {
  it('stays up for an hour of nothing but pings', () => {
    const pair = Pair.open(0)
    const before = pair.toEdge.totalBytes
    pair.advance(3_600_000)
    expect([pair.edge.isOpen, pair.linker.isOpen]).toEqual([true, true])
    const frames = (pair.toEdge.totalBytes - before) / 16
    expect(frames).toBeGreaterThan(300)
    expect(frames).toBeLessThan(900)
  })

  it('ends on both sides when the wire is silent, within 30 s', () => {
    const pair = Pair.open(0)
    pair.stalled = 'both'
    pair.advance(26_000)
    expect([pair.edge.isOpen, pair.linker.isOpen]).toEqual([true, true])
    pair.advance(4_000)
    const dead = { code: 'protocol/dead', retryable: true, clean: false }
    expect(pair.edgeLog.end).toMatchObject(dead)
    expect(pair.linkerLog.end).toMatchObject(dead)
  })

  it('is suspect when an OPEN is followed by silence, however long the tunnel was idle before', () => {
    const pair = Pair.open(1)
    // Less than a late timer is forgiven.
    pair.advance(1_900)
    pair.stalled = 'both'
    pair.start({ body: BODY_NONE })
    pair.settle()
    pair.advance(2_999)
    expect(pair.edgeLog.events).not.toContain('suspect')
    pair.advance(1)
    expect(pair.edgeLog.events.at(-1)).toBe('suspect')
    pair.stalled = null
    pair.settle()
    expect(pair.edgeLog.events.at(-1)).toBe('heard')
    expect(pair.edge.isOpen).toBe(true)
  })

  it('is not suspect on the side of the linker', () => {
    const pair = Pair.open(1)
    pair.linker.transportHolds(0, pair.nowMs)
    expect(pair.linker.nextDeadline()).toBeGreaterThan(pair.nowMs + 8_000)
  })

  it('answers ten PINGs a second, each with its own body, and ends at the eleventh', () => {
    const pair = Pair.open(0)
    const ping = referenceEncode({ type: 'PING', hex: '0102030405060708' })
    for (let second = 0; second < 3; second++) {
      for (let i = 0; i < 10; i++) pair.linker.receive(ping, 0, ping.length, pair.nowMs)
      const pongs = Buffer.concat(pair.linker.batch.take())
      expect(pongs.toString('hex')).toBe('41000008000000000102030405060708'.repeat(10))
      pair.nowMs += 1_000
    }
    for (let i = 0; i < 11; i++) pair.linker.receive(ping, 0, ping.length, pair.nowMs)
    expect(pair.linkerLog.end).toMatchObject({ code: 'protocol/flood', clean: false })
  })
})
