import { describe, expect, it } from 'vitest'
import { CRASHED, instanceOf, kinds, Scaling } from './controller.testkit.ts'

/** A launch that fails, again and again, with one request held each time. @returns the pauses in between. */
function pauses(scaling: Scaling, failures: number): number[] {
  const found: number[] = []
  for (let i = 1; i <= failures; i++) {
    scaling.hold(1)
    const launch = scaling.launches().at(-1) as string
    scaling.join(launch, 1, 'starting')
    scaling.controller.failed(launch, CRASHED, scaling.nowMs)
    scaling.step()
    scaling.end(launch)
    const from = scaling.nowMs
    scaling.hold(1)
    found.push(scaling.actions.flatMap((a) => (a.kind === 'fail-held' ? [a.retryMs] : [])).at(-1) as number)
    scaling.pass(found.at(-1) as number)
    expect(scaling.nowMs - from).toBe(found.at(-1))
  }
  return found
}

describe('a failed start', () => {
  it('backs off from 1 s to 60 s', () => {
    expect(pauses(new Scaling(), 8)).toEqual([1, 2, 4, 8, 16, 32, 60, 60].map((s) => s * 1000))
  })

  it('fails what is held at once, with the reason, when nothing else is there', () => {
    const scaling = new Scaling()
    scaling.hold(1)
    scaling.join('launch-1', 1, 'starting')
    scaling.controller.failed('launch-1', CRASHED, scaling.nowMs)
    expect(scaling.step()).toEqual([
      { kind: 'launch-failed', launch: 'launch-1', problem: CRASHED, retryMs: 1_000 },
      { kind: 'fail-held', problem: CRASHED, retryMs: 1_000 },
    ])
  })

  it('fails nothing that is held while another instance is ready or starting', () => {
    for (const phase of ['ready', 'starting'] as const) {
      const scaling = new Scaling()
      scaling.hold(1)
      scaling.join('by-hand', 1, phase)
      scaling.join('launch-1', 1, 'starting')
      scaling.controller.failed('launch-1', CRASHED, scaling.nowMs)
      scaling.hold(2)
      expect(kinds(scaling.pass(900))).not.toContain('fail-held')
      expect(scaling.held).toBe(2)
    }
  })

  it('fails new requests at once during the pause, and probes with one launch after it', () => {
    const scaling = new Scaling()
    scaling.ready('launch-0')
    scaling.end('launch-0', true)
    scaling.answer = 'reject'
    scaling.hold(5)
    expect(kinds(scaling.actions).filter((kind) => kind === 'launch-failed')).toHaveLength(5)
    expect(kinds(scaling.hold(3))).toEqual(['fail-held'])
    scaling.answer = 'accept'
    scaling.pass(1_000)
    expect(scaling.launches(scaling.hold(5))).toHaveLength(1)
    // The probe is not doubled while it starts, whatever is held, and costs no wake-ups.
    scaling.pass(60_000)
    expect(scaling.launches()).toHaveLength(6)
    scaling.join('launch-6')
    scaling.controller.served('launch-6')
    expect(scaling.launches(scaling.pass(100))).toHaveLength(5)
  })

  it('does not wake up for a pause while nobody waits', () => {
    const scaling = new Scaling()
    scaling.answer = 'reject'
    scaling.hold(1)
    expect(scaling.held).toBe(0)
    scaling.step()
    expect(scaling.controller.nextDeadline()).toBeGreaterThan(scaling.nowMs + 1_000)
  })

  it('wakes up once at the end of a pause while a ready instance has requests waiting', () => {
    const scaling = new Scaling()
    scaling.ready('launch-0')
    scaling.answer = 'reject'
    scaling.hold(1)
    scaling.pass(100)
    expect(scaling.controller.nextDeadline()).toBe(scaling.nowMs + 1_000)
    scaling.answer = 'accept'
    expect(scaling.launches(scaling.pass(1_000))).toHaveLength(1)
  })

  it('is launched again for min after the pause', () => {
    const scaling = new Scaling({ min: 1 })
    scaling.answer = 'reject'
    scaling.step()
    scaling.answer = 'accept'
    expect(scaling.launches(scaling.pass(999))).toEqual([])
    expect(scaling.launches(scaling.pass(1))).toHaveLength(1)
  })

  it('is one that has not connected within startTimeout, and it is removed', () => {
    const scaling = new Scaling()
    scaling.hold(1)
    scaling.observe([instanceOf('launch-1', 'starting')])
    expect(scaling.pass(119_999)).toEqual([])
    expect(scaling.pass(1)[0]).toMatchObject({
      kind: 'launch-failed',
      problem: {
        code: 'unavailable',
        message: 'no linker connected within 120 s; does what was started run brxy link?',
      },
    })
    expect(scaling.targets.at(-1)).toMatchObject({ want: 0, start: [], remove: [{ id: 'i-launch-1' }] })
  })

  it('gives the last complaint of the platform as the reason for a timeout', () => {
    const scaling = new Scaling()
    const full = { code: 'unschedulable', message: 'no node has room', final: false } as const
    scaling.hold(1)
    scaling.observe([instanceOf('launch-1', 'starting', full)])
    expect(scaling.phaseOf('launch-1')).toBe('asked')
    expect(scaling.pass(120_000)[0]).toMatchObject({ kind: 'launch-failed', problem: full })
  })

  it('is one whose instance has ended, or has a final problem', () => {
    const image = { code: 'image', message: 'no such image', final: true } as const
    for (const [instance, problem] of [
      [instanceOf('launch-1', 'ended', CRASHED), CRASHED],
      [instanceOf('launch-1', 'ended'), { code: 'crashed', message: 'it ended before it connected' }],
      [instanceOf('launch-1', 'starting', image), image],
    ] as const) {
      const scaling = new Scaling()
      scaling.hold(1)
      expect(scaling.observe([instance])[0]).toMatchObject({ kind: 'launch-failed', problem })
      expect(scaling.targets.at(-1)?.remove).toEqual([instance])
    }
  })

  it('is one that died abnormally before its first response, but not after', () => {
    for (const served of [false, true]) {
      const scaling = new Scaling()
      scaling.hold(1)
      scaling.join('launch-1')
      scaling.held = 0
      if (served) scaling.controller.served('launch-1')
      scaling.end('launch-1')
      expect(kinds(scaling.pass(2_000))).toEqual(served ? [] : ['launch-failed'])
      expect(scaling.phaseOf('launch-1')).toBe('gone')
    }
  })

  it('is none of a linker that was started by hand and whose tunnel was lost', () => {
    const scaling = new Scaling({ canLaunch: false })
    scaling.join('by-hand')
    scaling.end('by-hand')
    expect(scaling.pass(60_000)).toEqual([])
    scaling.hold(1)
    expect([scaling.held, scaling.phaseOf('by-hand')]).toEqual([1, undefined])
  })

  it('fails only the launches that were new in a call that was rejected', () => {
    const scaling = new Scaling()
    scaling.hold(1)
    scaling.join('launch-1', 1, 'starting')
    scaling.hold(2)
    expect(scaling.phaseOf('launch-2')).toBe('asked')
    scaling.answer = 'reject'
    scaling.hold(3)
    expect([scaling.phaseOf('launch-2'), scaling.phaseOf('launch-3')]).toEqual(['asked', 'gone'])
  })

  it('is removed if the platform started it although the call was rejected', () => {
    const scaling = new Scaling()
    scaling.answer = 'reject'
    scaling.hold(1)
    scaling.answer = 'accept'
    scaling.observe([])
    scaling.pass(3_000)
    scaling.observe([instanceOf('launch-1', 'starting')])
    expect(scaling.targets.at(-1)).toMatchObject({ want: 0, start: [], remove: [{ id: 'i-launch-1' }] })
  })

  it('is removed also if the platform cannot be seen for a long time', () => {
    const scaling = new Scaling()
    scaling.answer = 'reject'
    scaling.hold(1)
    scaling.answer = 'accept'
    scaling.pass(60_000)
    scaling.observe([instanceOf('launch-1', 'starting')])
    expect(scaling.targets.at(-1)).toMatchObject({ want: 0, start: [], remove: [{ id: 'i-launch-1' }] })
  })

  it('is forgotten when the platform never lists it', () => {
    const scaling = new Scaling()
    scaling.answer = 'reject'
    scaling.hold(1)
    scaling.pass(1_000)
    scaling.observe([])
    scaling.pass(14_000)
    expect([...scaling.controller.members]).toEqual([])
    expect(scaling.controller.isEmpty).toBe(true)
  })

  it('is kept after all if it connects before it was removed', () => {
    const scaling = new Scaling()
    scaling.hold(1)
    scaling.observe([instanceOf('launch-1', 'starting')])
    scaling.answer = null
    scaling.pass(120_000)
    scaling.join('launch-1')
    expect(scaling.phaseOf('launch-1')).toBe('ready')
    expect(scaling.controller.target()).toMatchObject({ want: 1, start: [], remove: [] })
  })
})
