import { describe, expect, it } from 'vitest'
import { CRASHED, kinds, Scaling } from './controller.testkit.ts'
import { Replicas } from './replicas.testkit.ts'

function setUp(): { scaling: Scaling; platform: Replicas } {
  const scaling = new Scaling({ isCounted: true, slots: 1 })
  return { scaling, platform: new Replicas(scaling) }
}

/** A replica that was asked to be replaced, and the one more that was asked for instead. */
function replacing() {
  const { scaling, platform } = setUp()
  scaling.hold(1)
  platform.settle()
  const old = platform.connect('pod-1')
  scaling.controller.served(old)
  scaling.held = 0
  scaling.replace(old)
  platform.settle()
  return { scaling, platform, old }
}

describe('on a platform that counts replicas', () => {
  it('a replica that is started again after its linker has left stands for the launch that was asked for meanwhile', () => {
    const { scaling, platform } = setUp()
    scaling.hold(1)
    platform.settle()
    const first = platform.connect('pod-1')
    scaling.held = 0
    scaling.controller.served(first)
    scaling.controller.draining(first, scaling.nowMs)
    // It exits instead of parking, so the platform starts it again; and somebody asks before that shows.
    platform.leave(first)
    scaling.hold(1)
    platform.settle()
    expect([scaling.launches(), [...platform.pods.keys()]]).toEqual([['launch-1', 'launch-2'], ['pod-1']])
    expect(platform.connect('pod-1', 'ready', 'another process')).toBe('launch-2')
    scaling.held = 0
    scaling.step()
    scaling.pass(300_000)
    // Nobody waits for a second one, nor removes the one that there is.
    expect(scaling.actions.filter(({ kind }) => kind === 'launch-failed')).toEqual([])
    expect(scaling.phaseOf('launch-2')).toBe('ready')
    expect(scaling.targets.flatMap(({ remove }) => remove)).toEqual([])
  })

  it.each([
    { meanwhile: 'nobody asks', held: 0, isListed: false },
    { meanwhile: 'somebody asks, so that it stands for a launch', held: 1, isListed: false },
    { meanwhile: 'it was listed again', held: 0, isListed: true },
  ])(
    'a replica that is to be removed because its linker has left is kept when it is back: $meanwhile',
    (when) => {
      const { scaling, platform } = setUp()
      const removed = () => scaling.targets.splice(0).flatMap(({ remove }) => remove.map(({ id }) => id))
      scaling.hold(1)
      platform.settle()
      const first = platform.connect('pod-1')
      scaling.held = 0
      scaling.controller.served(first)
      scaling.end(first, true)
      // Its member is forgotten as soon as the removal is asked for, and the platform cannot be reached.
      scaling.answer = 'reject'
      scaling.pass(15_000)
      expect([removed(), scaling.phaseOf(first)]).toEqual([['pod-1'], undefined])
      scaling.answer = 'accept'
      if (when.held > 0) scaling.hold(when.held)
      if (when.isListed) scaling.observe(platform.list())
      removed()
      platform.miss()

      const again = platform.connect('pod-1', 'ready', 'another process')
      scaling.held = 0
      scaling.pass(60_000)
      expect([removed(), scaling.phaseOf(again)]).toEqual([[], 'ready'])
    },
  )

  it('four requests start four, which park and are removed: 0, 4, 0', () => {
    const { scaling, platform } = setUp()
    scaling.hold(4)
    platform.settle()
    expect([...platform.pods.keys()]).toEqual(['pod-1', 'pod-2', 'pod-3', 'pod-4'])
    const keys = [...platform.pods.keys()].reverse().map((pod) => platform.connect(pod))
    expect([...new Set(keys)].sort()).toEqual(['launch-1', 'launch-2', 'launch-3', 'launch-4'])
    scaling.held = 0
    for (const key of keys) scaling.controller.served(key)
    expect([scaling.step(), scaling.launches().length, platform.pods.size]).toEqual([[], 4, 4])

    for (const left of [3, 2, 1, 0]) {
      const key = keys.find((each) => scaling.phaseOf(each) === 'ready') as string
      scaling.ask(key, 1)
      scaling.ask(key, 1)
      expect([scaling.phaseOf(key), scaling.verdicts.at(-1)]).toEqual(['leaving', `${key} GO`])
      scaling.park(key)
      platform.settle()
      platform.leave(key)
      expect(platform.pods.size).toBe(left)
    }
    scaling.pass(60_000)
    expect([scaling.controller.isEmpty, scaling.launches().length]).toEqual([true, 4])
  })

  it('an unknown linker stands for the oldest launch, listed before or not', () => {
    const { scaling, platform } = setUp()
    scaling.answer = null
    scaling.hold(2)
    platform.pods.set('pod-1', 'starting').set('pod-2', 'starting')
    expect(platform.connect('pod-2')).toBe('launch-1')
    expect(platform.connect('pod-1')).toBe('launch-2')
  })

  it('a launch stands for what was listed for it, whoever connects first', () => {
    const { scaling, platform } = setUp()
    scaling.hold(2)
    platform.settle()
    expect(platform.connect('pod-2', 'starting')).toBe('launch-2')
    expect(platform.connect('pod-1', 'starting')).toBe('launch-1')
  })

  it('a linker that comes again is the same one, also as another process of the same replica', () => {
    const { scaling, platform } = setUp()
    scaling.hold(2)
    platform.settle()
    const key = platform.connect('pod-1')
    scaling.end(key)
    expect(platform.connect('pod-1', 'ready', 'another process')).toBe(key)
    expect([...scaling.controller.members]).toHaveLength(2)
  })

  it('a linker that does not say which replica it is was started by hand: it stands for no launch, and is known when it comes again', () => {
    const { scaling } = setUp()
    const { controller } = scaling
    scaling.hold(2)
    const linker = { instance: 'of nobody' }
    expect(controller.keyOf(linker)).toBe('of nobody')
    controller.joined('of nobody', false, 'ready', 1, scaling.nowMs, linker)
    scaling.end('of nobody')
    expect(controller.keyOf(linker)).toBe('of nobody')
    expect(controller.keyOf({ instance: 'of a replica', platform: 'pod-1' })).toBe('launch-1')
  })

  it.each([
    { environment: 'its own', launch: {} },
    // Somebody has copied that of a replica, or of an edge with another scaler.
    { environment: 'one with a launch', launch: { launch: 'of another one' } },
  ])(
    'one that is started by hand while a replica starts is not wanted of the platform beside that replica: in $environment',
    (its) => {
      const { scaling, platform } = setUp()
      const { controller } = scaling
      scaling.hold(1)
      const byHand = { instance: 'by hand', ...its.launch }
      const isLaunched = byHand.launch !== undefined
      controller.joined(controller.keyOf(byHand), isLaunched, 'ready', 1, scaling.nowMs, byHand)
      scaling.held = 0
      platform.settle()
      platform.connect('pod-1')
      // One too many would be there at the next call, be wanted as well at the one after that, and so on.
      expect(controller.target().want).toBe(1)
    },
  )

  it('a replica that nobody launched is one of the app, and is removed if it never connects', () => {
    const { scaling, platform } = setUp()
    platform.pods.set('pod-x', 'running').set('pod-y', 'running').set('pod-z', 'starting')
    platform.settle()
    expect(platform.connect('pod-x')).toBe('pod-x')
    expect(scaling.controller.target().want).toBe(3)
    scaling.pass(60_000)
    platform.settle()
    expect([...platform.pods.keys()]).toEqual(['pod-x', 'pod-z'])
    scaling.pass(60_000)
    platform.settle()
    expect([[...platform.pods.keys()], scaling.launches()]).toEqual([['pod-x'], []])
  })

  it('a call whose answer was lost leaves nothing behind', () => {
    const { scaling, platform } = setUp()
    scaling.answer = 'reject'
    scaling.hold(1)
    scaling.answer = 'accept'
    expect(scaling.held).toBe(0)
    // It was carried out all the same. Should a linker come, there is no need for another; nobody comes.
    platform.settle()
    expect(platform.pods.size).toBe(1)
    scaling.pass(150_000)
    platform.settle()
    scaling.pass(60_000)
    expect([platform.pods.size, scaling.controller.isEmpty]).toEqual([0, true])
  })

  describe('a replica that never came, and that cannot be removed below another one', () => {
    function setUpStuck(): ReturnType<typeof setUp> {
      const { scaling, platform } = setUp()
      platform.pods.set('pod-x', 'starting').set('pod-y', 'starting')
      platform.settle()
      platform.connect('pod-y')
      platform.below.add('pod-x')
      // It is waited for in vain, its removal is asked for, and then it is forgotten.
      scaling.pass(300_000)
      expect([scaling.targets.at(-1)?.remove.map(({ id }) => id), scaling.phaseOf('pod-x')]).toEqual([
        ['pod-x'],
        undefined,
      ])
      platform.settle()
      return { scaling, platform }
    }

    it('is not waited for again: nothing is started in its place, however often it is listed', () => {
      const { scaling, platform } = setUpStuck()
      for (let looks = 0; looks < 100; looks++) {
        scaling.pass(3_001)
        platform.settle()
      }
      expect([...platform.pods.keys()]).toEqual(['pod-x', 'pod-y'])
      expect(scaling.targets.filter(({ want, remove }) => want + remove.length > 2)).toEqual([])
    })

    it('stands for no launch: another one is started', () => {
      const { scaling, platform } = setUpStuck()
      scaling.hold(1)
      scaling.pass(100)
      platform.settle()
      expect([...platform.pods.keys()]).toEqual(['pod-x', 'pod-y', 'pod-1'])
      expect(platform.connect('pod-1')).toBe('launch-1')
      expect(scaling.targets.at(-1)).toMatchObject({ want: 2, remove: [{ id: 'pod-x' }] })
    })

    it('is kept if it comes after all', () => {
      const { scaling, platform } = setUpStuck()
      platform.connect('pod-x')
      scaling.pass(60_000)
      platform.settle()
      expect(scaling.controller.target()).toEqual({ want: 2, start: [], remove: [] })
      expect([...platform.pods.keys()]).toEqual(['pod-x', 'pod-y'])
    })
  })

  it('one that vanished before it connected is replaced by the platform, and its launch waits for the next', () => {
    const { scaling, platform } = setUp()
    scaling.hold(1)
    platform.settle()
    platform.pods.delete('pod-1')
    platform.pods.set('pod-9', 'starting')
    platform.settle()
    expect(scaling.controller.member('launch-1')?.platform).toBe('pod-9')
    expect(platform.connect('pod-9')).toBe('launch-1')
    expect(scaling.launches()).toHaveLength(1)
  })

  it('a launch fails with the problem of the replica that stands for it, which is removed', () => {
    const { scaling, platform } = setUp()
    scaling.hold(1)
    platform.settle()
    const [pod] = platform.list()
    expect(kinds(scaling.observe([{ ...pod, problem: CRASHED }]))).toContain('launch-failed')
    expect(scaling.targets.at(-1)).toMatchObject({ want: 0, remove: [{ id: 'pod-1' }] })
    platform.settle()
    expect(platform.pods.size).toBe(0)
  })

  it('an edge that was restarted takes over what runs, and counts it', () => {
    const { scaling, platform } = setUp()
    platform.pods.set('pod-1', 'running').set('pod-2', 'running')
    platform.settle(true)
    expect(scaling.controller.target().want).toBe(2)
    scaling.hold(2)
    expect(scaling.launches()).toEqual([])
    scaling.held = 0
    expect(platform.connect('pod-2')).toBe('pod-2')
    // The other one does not come back: it is removed, and by its name.
    scaling.pass(60_000)
    platform.settle()
    expect([...platform.pods.keys()]).toEqual(['pod-2'])
  })

  it('nothing that an earlier edge had is taken for a new launch', () => {
    const { scaling, platform } = setUp()
    platform.pods.set('pod-1', 'running')
    platform.settle(true)
    scaling.answer = null
    scaling.hold(2)
    expect(scaling.launches()).toHaveLength(1)
    scaling.observe(platform.list())
    expect(scaling.controller.member('launch-1')?.platform).toBe(null)
    expect(platform.connect('pod-1')).toBe('pod-1')
  })

  it('what has ended and nobody knows is left to the platform: removing it would lower the count', () => {
    const { scaling } = setUp()
    scaling.observe([{ id: 'pod-x', state: 'ended', since: 0 }], true)
    expect(scaling.targets).toEqual([])
  })

  it('a rolling restart goes through one replica more', () => {
    const { scaling, platform, old } = replacing()
    expect(platform.pods.size).toBe(2)
    platform.connect('pod-2')
    expect(scaling.verdicts).toEqual([`${old} GO`])
    scaling.park(old)
    platform.settle()
    expect([...platform.pods.keys()]).toEqual(['pod-2'])
  })

  it('a replica that was replaced and started again is recalled like any other', () => {
    const { scaling, platform, old } = replacing()
    platform.connect('pod-2')
    // A second signal: it exits instead of parking, so the platform starts it again. This edge was away when it said starting.
    platform.leave(old)
    expect(platform.connect('pod-1', 'ready', 'another process')).toBe(old)
    // Somebody asks before the platform was told to remove them.
    for (const key of [old, 'launch-2']) scaling.controller.parked(key, scaling.nowMs)
    scaling.hold(2)
    const back = scaling.actions.flatMap((each) => (each.kind === 'recall' ? [each.member] : []))
    expect([back, scaling.launches()]).toEqual([
      ['launch-2', old],
      ['launch-1', 'launch-2'],
    ])
  })
})
