import { TimerWheel } from '@brxy/protocol/transport'
import {
  type AppScaler,
  type Instance,
  type Problem,
  type Scaler,
  ScalerError,
  type Target,
} from '@brxy/scaler'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { instanceOf } from './controller.testkit.ts'
import { type ScaledApp, ScalerRunner } from './runner.ts'

/** A call that the test answers. */
interface Call {
  readonly what: 'scale' | 'observe'
  readonly target: Target | null
  readonly signal: AbortSignal
  answer(instances?: readonly Instance[]): Promise<void>
  fail(error: string | Error): Promise<void>
}

/** A scaler that does nothing until the test says so. */
class ScriptedScaler implements Scaler, AppScaler {
  readonly launches = 'named'
  readonly leave = 'exit'
  readonly calls: Call[] = []
  isClosed = false

  app(route: string): AppScaler {
    if (route === 'bad') throw new Error('no name for "bad"')
    return this
  }

  async close(): Promise<void> {
    this.isClosed = true
  }

  scale(target: Target, signal: AbortSignal): Promise<readonly Instance[]> {
    return this.#call('scale', target, signal)
  }

  observe(signal: AbortSignal): Promise<readonly Instance[]> {
    return this.#call('observe', null, signal)
  }

  /** What was asked, in order. */
  get asked(): string[] {
    return this.calls.map(({ what }) => what)
  }

  last(): Call {
    return this.calls.at(-1) as Call
  }

  #call(what: Call['what'], target: Target | null, signal: AbortSignal): Promise<readonly Instance[]> {
    return new Promise((resolve, reject) => {
      this.calls.push({
        what,
        target,
        signal,
        async answer(instances = []) {
          resolve(instances)
          await settle()
        },
        async fail(error) {
          reject(typeof error === 'string' ? new Error(error) : error)
          await settle()
        },
      })
    })
  }
}

/** An app that writes down what it hears, and may do something then. */
class ListeningApp implements ScaledApp {
  readonly route: string
  readonly heard: string[] = []
  isChanging = false
  wanted: Target = { want: 0, start: [], remove: [] }
  next: (() => void) | null = null

  constructor(route = 'shop') {
    this.route = route
  }

  target(): Target {
    return this.wanted
  }

  observed(instances: readonly Instance[], adopt: boolean): void {
    this.#hear(`observed ${instances.length}${adopt ? ' first' : ''}`)
  }

  scaled(instances: readonly Instance[]): void {
    this.#hear(`scaled ${instances.length}`)
  }

  scaleFailed(problem: Problem): void {
    this.#hear(`failed ${problem.code}: ${problem.message}`)
  }

  unobserved(): void {
    this.#hear('unobserved')
  }

  #hear(what: string): void {
    this.heard.push(what)
    const { next } = this
    this.next = null
    next?.()
  }
}

const settle = () => vi.advanceTimersByTimeAsync(0)
const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms)

function setUp() {
  const scaler = new ScriptedScaler()
  const errors: string[] = []
  const environment = async (route: string, launch: string) => ({ ROUTE: route, BRXY_LAUNCH: launch })
  const wheel = new TimerWheel()
  const runner = new ScalerRunner('scripted', scaler, environment, wheel, (message, error) =>
    errors.push(`${message}: ${(error as Error).message}`),
  )
  return { scaler, runner, errors, app: new ListeningApp() }
}

/** After the first look. */
async function attached() {
  const all = setUp()
  all.runner.attach(all.app, {})
  await settle()
  await all.scaler.last().answer()
  return all
}

describe('ScalerRunner', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  it('looks at the platform before anything is launched', async () => {
    const { runner, scaler, app } = setUp()
    runner.attach(app, {})
    await settle()
    expect([scaler.asked, runner.isReady(app)]).toEqual([['observe'], false])
    await scaler.last().answer([instanceOf('old')])
    expect([app.heard, runner.isReady(app)]).toEqual([['observed 1 first'], true])
  })

  it('lets the app go on when the first look fails, and adopts at the first one that succeeds', async () => {
    const { runner, scaler, app, errors } = setUp()
    runner.attach(app, {})
    await settle()
    await scaler.last().fail('API down')
    expect([app.heard, runner.isReady(app)]).toEqual([['unobserved'], true])
    await pass(30_020)
    await scaler.last().answer([instanceOf('old')])
    expect(app.heard).toEqual(['unobserved', 'observed 1 first'])
    expect(errors).toEqual(['the scaler could not be asked what runs: API down'])
  })

  it('brings the target with an environment for each launch', async () => {
    const { runner, scaler, app } = await attached()
    app.wanted = { want: 1, start: [{ id: 'a', env: {} }], remove: [instanceOf('b')] }
    runner.scale(app)
    await settle()
    expect(scaler.last().target).toEqual({
      want: 1,
      start: [{ id: 'a', env: { ROUTE: 'shop', BRXY_LAUNCH: 'a' } }],
      remove: [instanceOf('b')],
    })
    await scaler.last().answer([instanceOf('a')])
    expect(app.heard).toEqual(['observed 0 first', 'scaled 1'])
  })

  it('says why a call failed', async () => {
    const { runner, scaler, app, errors } = await attached()
    runner.scale(app)
    await settle()
    await scaler.last().fail('403')
    expect(app.heard.at(-1)).toBe('failed unavailable: 403')
    expect(errors).toEqual(['the scaler could not be called: 403'])
  })

  it('says that a call was denied, in the words of the platform', async () => {
    const { runner, scaler, app, errors } = await attached()
    runner.scale(app)
    await settle()
    await scaler.last().fail(new ScalerError('scaler/denied', 'Nomad: ACL token not found'))
    expect(app.heard.at(-1)).toBe('failed denied: Nomad: ACL token not found')
    expect(errors).toEqual(['the scaler could not be called: Nomad: ACL token not found'])
  })

  it('has a scale wait for the look under way, and then bring what is wanted by then', async () => {
    const { runner, scaler, app } = setUp()
    runner.attach(app, {})
    await settle()
    runner.scale(app)
    app.wanted = { want: 2, start: [], remove: [] }
    await settle()
    expect(scaler.asked).toEqual(['observe'])
    await scaler.last().answer()
    expect([scaler.asked, scaler.last().target?.want]).toEqual([['observe', 'scale'], 2])
  })

  it('makes one call for a scale that is wanted while it waits and again by what the look told', async () => {
    const { runner, scaler, app } = setUp()
    runner.attach(app, {})
    await settle()
    runner.scale(app)
    app.next = () => runner.scale(app)
    await scaler.last().answer()
    await scaler.last().answer()
    expect(scaler.asked).toEqual(['observe', 'scale'])
  })

  it('has a scale wait for the scale under way', async () => {
    const { runner, scaler, app } = await attached()
    runner.scale(app)
    await settle()
    runner.scale(app)
    await settle()
    expect(scaler.asked).toEqual(['observe', 'scale'])
    await scaler.last().answer()
    expect(scaler.asked).toEqual(['observe', 'scale', 'scale'])
  })

  it('calls again at once when the answer makes the app want more', async () => {
    const { runner, scaler, app } = await attached()
    runner.scale(app)
    await settle()
    app.next = () => runner.scale(app)
    await scaler.last().answer()
    expect(scaler.asked).toEqual(['observe', 'scale', 'scale'])
  })

  it('looks every 30 s, and every second while something starts or goes', async () => {
    const { scaler, app } = await attached()
    await pass(29_900)
    expect(scaler.calls).toHaveLength(1)
    await pass(200)
    expect(scaler.calls).toHaveLength(2)
    app.isChanging = true
    await scaler.last().answer()
    await pass(1_020)
    expect(scaler.calls).toHaveLength(3)
  })

  it('looks 100 ms after the first of many hints', async () => {
    const { runner, scaler } = await attached()
    runner.changed('shop')
    await pass(60)
    runner.changed('shop')
    expect(scaler.calls).toHaveLength(1)
    await pass(60)
    expect(scaler.calls).toHaveLength(2)
  })

  it('does not lose a hint that comes during a call, whose answer may be older', async () => {
    const { runner, scaler, app } = await attached()
    runner.scale(app)
    await settle()
    runner.changed('shop')
    await pass(5_000)
    await scaler.last().answer()
    await pass(120)
    expect(scaler.asked).toEqual(['observe', 'scale', 'observe'])
    await scaler.last().answer()
    await pass(20_000)
    expect(scaler.calls).toHaveLength(3)
  })

  it('does not look while a call is under way, however long it takes', async () => {
    const { runner, scaler, app } = await attached()
    app.isChanging = true
    runner.scale(app)
    await pass(29_000)
    expect(scaler.asked).toEqual(['observe', 'scale'])
  })

  it('ends a call after 30 s, also when the scaler does not heed its signal', async () => {
    const { runner, scaler, app } = await attached()
    runner.scale(app)
    await pass(30_000)
    expect(app.heard.at(-1)).toBe('failed unavailable: the scaler did not answer within 30 s')
    expect(scaler.calls[1].signal.aborted).toBe(true)
    runner.scale(app)
    await settle()
    expect(scaler.calls).toHaveLength(3)
    // The late answer of the first is nobody's any more.
    await scaler.calls[1].answer([instanceOf('late')])
    expect(app.heard).toHaveLength(2)
  })

  it('tells nothing to an app that was detached, nor to another one of the same route', async () => {
    const { runner, scaler, app } = setUp()
    runner.attach(app, {})
    await settle()
    runner.detach(app)
    const heir = new ListeningApp()
    runner.attach(heir, {})
    runner.detach(app)
    await settle()
    await scaler.calls[0].answer()
    await scaler.calls[1].answer()
    expect([app.heard, heir.heard]).toEqual([[], ['observed 0 first']])
  })

  it('goes on after a bug in what the app does with an answer', async () => {
    const { runner, scaler, app, errors } = await attached()
    app.next = () => {
      throw new Error('a bug')
    }
    runner.changed('shop')
    await pass(120)
    await scaler.last().answer()
    expect(errors).toEqual(["the scaler's answer could not be used: a bug"])
    runner.scale(app)
    await settle()
    expect(scaler.asked.at(-1)).toBe('scale')
  })

  it('does not attach an app whose route the scaler cannot serve', () => {
    const { runner } = setUp()
    expect(() => runner.attach(new ListeningApp('bad'), {})).toThrow('no name for "bad"')
  })

  it('removes all instances at the end, after the call under way, and launches nothing more', async () => {
    const { runner, scaler, app } = await attached()
    runner.scale(app)
    await settle()
    const removed = runner.removeAll(10_000)
    await settle()
    expect(scaler.asked).toEqual(['observe', 'scale'])
    await scaler.last().answer([instanceOf('a')])
    runner.scale(app)
    await settle()
    expect(scaler.asked.slice(2)).toEqual(['observe'])
    await scaler.last().answer([instanceOf('a'), instanceOf('b', 'ended')])
    expect(scaler.last().target).toEqual({ want: 0, start: [], remove: [instanceOf('a')] })
    await scaler.last().answer([])
    await pass(50)
    await scaler.last().answer([instanceOf('a', 'ended')])
    await removed
    expect(app.heard).toEqual(['observed 0 first'])
  })

  it('gives up removing after the grace, and says so when it cannot', async () => {
    const { runner, scaler, errors } = await attached()
    const removed = runner.removeAll(100)
    await settle()
    for (let i = 0; i < 3; i++) {
      await scaler.last().answer([instanceOf('a')])
      await pass(50)
    }
    await scaler.last().answer([instanceOf('a')])
    await removed
    const again = runner.removeAll(100)
    await settle()
    await scaler.last().fail('API down')
    await again
    expect(errors).toEqual(['instances could not be removed: API down'])
  })

  it('aborts what is under way when it closes, and tells nobody', async () => {
    const { runner, scaler, app } = await attached()
    runner.scale(app)
    await settle()
    await runner.close()
    await settle()
    expect([scaler.last().signal.aborted, scaler.isClosed, app.heard.length]).toEqual([true, true, 1])
    await pass(60_000)
    expect(scaler.calls).toHaveLength(2)
  })

  it('asks about as many apps at once as there are, and Node has nothing to warn of', async () => {
    const warnings: string[] = []
    const onWarning = ({ message }: Error) => void warnings.push(message)
    process.on('warning', onWarning)
    const { runner, scaler } = await attached()
    for (let n = 0; n < 20; n++) runner.attach(new ListeningApp(`app-${n}`), {})
    await settle()
    expect(scaler.calls).toHaveLength(21)
    await runner.close()
    await new Promise((resolve) => process.nextTick(resolve))
    process.off('warning', onWarning)
    expect(warnings).toEqual([])
  })
})
