import { EdgeProcess, eventually, expectNoLeftovers, isRunning, markedProcesses } from '@brxy-tooling/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import { linked, nodeApp, shell } from './apps.ts'

let edge: EdgeProcess

afterEach(async () => {
  await edge.close()
  await expectNoLeftovers()
})

/** Process id of the application that answered, after one completed request. */
async function appPid(): Promise<number> {
  const answer = await edge.ask()
  expect(answer.status, answer.text).toBe(200)
  return Number(answer.text)
}

function toZero(): Promise<unknown> {
  return eventually('nothing but the edge runs', () => markedProcesses().length === 1)
}

describe('an idle instance', () => {
  it('leaves, with all that its application started, and the next request wakes a new one', async () => {
    edge = await EdgeProcess.start({
      command: linked(nodeApp('serial', { peer: 'yes' }), ['--idle', '300ms']),
    })
    const first = await appPid()
    expect(markedProcesses().map(({ command }) => command)).toContain('sleep 600')
    const left = await edge.event('left')
    expect(left).toMatchObject({ app: 'localhost', reason: 'idle' })
    await toZero()
    expect(await edge.event('launch process ended')).toMatchObject({ status: 0 })
    expect(await appPid()).not.toBe(first)
    expect(edge.matching('launching').length).toBe(2)
    expect(edge.matching('launch failed')).toEqual([])
  })

  it('is the older one: the newest is served first', async () => {
    edge = await EdgeProcess.start({ command: linked(nodeApp('serial', { seconds: 0.3 }), ['--idle', '1s']) })
    await Promise.all([edge.ask(), edge.ask()])
    await edge.event('ready', undefined, 2)
    // One request after the other until somebody has left.
    const served = new Set<unknown>()
    await eventually('an instance that leaves', async () => {
      served.add((await edge.ask()).text)
      return edge.matching('left').length > 0
    })
    served.add((await edge.ask()).text)
    expect(served.size).toBe(1)
    const newest = edge.matching('connected')[1].instance
    expect(edge.matching('left')[0].instance).not.toBe(newest)
    expect(edge.matching('request').at(-1)?.instance).toBe(newest)
    expect(edge.matching('launching').length).toBe(2)
  })

  it('does not leave while a request runs, however long that takes', async () => {
    edge = await EdgeProcess.start({
      command: linked(nodeApp('serial', { seconds: 1 }), ['--idle', '200ms']),
    })
    await appPid()
    expect(edge.matching('left')).toEqual([])
  })

  it('whose application ignores SIGTERM has it killed after `stop`', async () => {
    const app = linked(nodeApp('serial', { ignoresSigterm: 1 }), ['--idle', '200ms'], { BRXY_STOP: '500ms' })
    edge = await EdgeProcess.start({ command: app })
    const pid = await appPid()
    await edge.event('left', ({ reason }) => reason === 'idle')
    await toZero()
    expect(isRunning(pid)).toBe(false)
    expect(await edge.event('launch process ended')).toMatchObject({ status: 0 })
  })
})

describe('SIGTERM to a linker', () => {
  it('lets the running request finish, stops the application, exits 0; the next request gets a new copy', async () => {
    edge = await EdgeProcess.start({ command: linked(nodeApp('serial', { seconds: 0.7 })) })
    const app = await appPid()
    const running = edge.ask('/', { method: 'POST', body: 'x' })
    await busy()
    process.kill(await edge.linkerPid(), 'SIGTERM')
    expect(await running).toMatchObject({ status: 200, text: `${app}\n` })
    expect(await edge.event('left')).toMatchObject({ reason: 'signal' })
    expect(await edge.event('launch process ended')).toMatchObject({ status: 0 })
    expect(isRunning(app)).toBe(false)
    expect(await appPid()).not.toBe(app)
  })
})

describe('kill -9', () => {
  it('of a linker takes its application along within 2 s, even one that ignores SIGTERM, and the edge recovers', async () => {
    const stubborn = nodeApp('serial', { ignoresSigterm: 1, peer: 'yes' })
    edge = await EdgeProcess.start({ command: linked(stubborn, [], { BRXY_STOP: '200ms' }) })
    const app = await appPid()
    process.kill(await edge.linkerPid(), 'SIGKILL')
    await eventually('the application is gone', () => !isRunning(app), 2000)
    expect(await appPid()).not.toBe(app)
    expect(await edge.event('left')).toMatchObject({ reason: 'lost' })
    expect(edge.matching('launching').length).toBe(2)
  })

  it('of a linker during a request: GET is sent again, to a new copy; POST is answered 502', async () => {
    edge = await EdgeProcess.start({ command: linked(nodeApp('serial', { seconds: 0.7 }), ['--lost', '1s']) })
    const app = await appPid()
    const get = edge.ask()
    await busy()
    process.kill(await edge.linkerPid(), 'SIGKILL')
    const answer = await get
    expect(answer.status, answer.text).toBe(200)
    expect(Number(answer.text)).not.toBe(app)
    const post = edge.ask('/', { method: 'POST', body: 'x' })
    await busy()
    process.kill(await edge.linkerPid(2), 'SIGKILL')
    expect(await post).toMatchObject({ status: 502 })
    expect((await post).headers['proxy-status']).toContain('edge/tunnel-lost')
  })

  it('of an application: 502 for the running request, and the next one gets a new copy', async () => {
    edge = await EdgeProcess.start({ command: linked(nodeApp('serial', { seconds: 0.5 })) })
    const app = await appPid()
    const running = edge.ask('/', { method: 'POST', body: 'x' })
    await busy()
    process.kill(app, 'SIGKILL')
    const answer = await running
    expect(answer.status, answer.text).toBe(502)
    expect(answer.json().code).toBe('edge/app-closed')
    expect(await edge.event('launch process ended')).toMatchObject({ status: 128 + 9 })
    expect(await appPid()).not.toBe(app)
    expect(edge.matching('launching').length).toBe(2)
  })
})

describe('an application that ends by itself while idle', () => {
  it('takes its linker along, with its status, and the next request wakes a new copy', async () => {
    const start = `"$@" & app=$!; trap 'exit 5' USR1; wait $app`
    edge = await EdgeProcess.start({ command: linked(shell(start, ...nodeApp('serial'))) })
    await appPid()
    const [{ pid }] = markedProcesses().filter(({ command }) => command.startsWith('sh -c'))
    process.kill(pid, 'SIGUSR1')
    expect(await edge.event('launch process ended')).toMatchObject({ status: 5 })
    await appPid()
    expect(edge.matching('launching').length).toBe(2)
  })
})

/** A request is at an instance. */
function busy(): Promise<unknown> {
  return eventually('a busy slot', async () => {
    const { apps } = await edge.status()
    return apps.some((app: { instances: { busy: number }[] }) => app.instances.some(({ busy }) => busy > 0))
  })
}
