import { beforeEach, describe, expect, it } from 'vitest'
import type { Host, Problem } from './contract.ts'
import { LaunchMemory, MAX_FAILED, MAX_REMEMBERED } from './launch-memory.ts'

const BAD: Problem = { code: 'image', message: 'no such image', final: true }
const name = (launch: string) => `brxy-${launch}`

let launches: LaunchMemory
let changed: string[]
let logged: string[]
beforeEach(() => {
  changed = []
  logged = []
  const host: Host = {
    owner: 'me',
    stateDir: '/nonexistent',
    changed: (route) => changed.push(route),
    log: (_level, message) => logged.push(message),
  }
  launches = new LaunchMemory('shop', host)
})

describe('a launch', () => {
  it('is begun once, and is listed until the platform lists it', async () => {
    let count = 0
    let accept = () => {}
    const run = () =>
      new Promise<undefined>((resolve) => {
        count++
        accept = () => resolve(undefined)
      })
    const begun = [launches.start('a', run), launches.start('a', run)]
    await Promise.resolve()
    expect(launches.complete([], name)).toMatchObject([{ id: 'brxy-a', launch: 'a', state: 'starting' }])
    expect(launches.isIdle).toBe(false)
    accept()
    await Promise.all(begun)
    await launches.start('a', run)
    expect(count).toBe(1)
    expect(launches.complete([], name)).toEqual([])
    expect(changed).toEqual(['shop'])
  })

  it('that failed is listed with its problem, in place of a record that knows less, until it is removed', async () => {
    await launches.start('a', async () => BAD)
    const listed = [{ id: 'brxy-a', launch: 'a', state: 'starting', since: 1 } as const]
    expect(launches.complete([], name)).toMatchObject([{ state: 'ended', problem: BAD }])
    expect(launches.complete(listed, name)).toMatchObject([{ state: 'ended', problem: BAD }])
    expect(logged).toEqual(['launch failed'])
    launches.spend('a')
    expect(launches.complete([], name)).toEqual([])
    await launches.start('a', async () => expect.unreachable())
  })

  it('of which nothing is known may be tried again', async () => {
    await expect(launches.start('a', () => Promise.reject(new Error('no answer')))).rejects.toThrow(
      'no answer',
    )
    expect(launches.complete([], name)).toEqual([])
    await launches.start('a', async () => BAD)
    expect(launches.complete([], name)).toHaveLength(1)
  })

  it('that a call joins when it fails is tried again by that call', async () => {
    let tries = 0
    const run = async () => {
      if (++tries === 1) throw new Error('the connection of that time')
      return undefined
    }
    const first = launches.start('a', run)
    const second = launches.start('a', run)
    await expect(first).rejects.toThrow('the connection of that time')
    await second
    expect(tries).toBe(2)
  })

  it('that was removed while it was begun hears of it, and its end is of no concern to anybody', async () => {
    let wasRemoved = false
    let go = () => {}
    const begun = launches.start('a', async (isRemoved) => {
      await new Promise<void>((resolve) => {
        go = resolve
      })
      wasRemoved = isRemoved()
      return BAD
    })
    await Promise.resolve()
    launches.spend('a')
    go()
    await begun
    expect(wasRemoved).toBe(true)
    expect(launches.complete([], name)).toEqual([])
  })

  it('that the platform lists under a name of its own is not listed twice', async () => {
    const begun = launches.start('a', () => new Promise<undefined>(() => {}))
    begun.catch(() => {})
    const listed = [{ id: 'job/dispatch-7', launch: 'a', state: 'starting', since: 1 } as const]
    expect(launches.complete(listed, name)).toEqual(listed)
  })

  it('that failed is listed beside a thousand others; the oldest is only remembered as spent', async () => {
    for (let i = 0; i <= MAX_FAILED; i++) await launches.start(`l${i}`, async () => BAD)
    const listed = launches.complete([], name)
    expect([listed.length, listed[0]?.launch]).toEqual([MAX_FAILED, 'l1'])
    await launches.start('l0', async () => expect.unreachable())
  })

  it('is remembered beside ten thousand others, of which the oldest is forgotten', async () => {
    for (let i = 0; i <= MAX_REMEMBERED; i++) launches.spend(`l${i}`)
    let begun = 0
    const run = async () => {
      begun++
      return undefined
    }
    await launches.start(`l${MAX_REMEMBERED}`, run)
    expect(begun).toBe(0)
    await launches.start('l0', run)
    expect(begun).toBe(1)
  })
})
