import { afterEach, describe, expect, it } from 'vitest'
import { leave } from '../machine/globals.ts'
import { SimProcess } from '../machine/process.ts'
import { World } from '../machine/world.ts'
import type { Endpoint } from './endpoint.ts'

const PROFILE = {
  minDelayMs: 1,
  maxDelayMs: 20,
  fragments: 0.5,
  minBufferBytes: 1_000,
  maxBufferBytes: 1_000,
}

let world: World
afterEach(() => {
  world.close()
  leave()
})

/** Two processes on two hosts, connected; what the one writes, the other reads. */
function connected(seed = 1) {
  world = new World(seed, PROFILE, (_process, error) => {
    throw error
  })
  const near = new SimProcess('near', 'a')
  const far = new SimProcess('far', 'b')
  const heard: string[] = []
  const ends: Endpoint[] = []
  const user = (who: string) => ({
    writableLength: 0,
    onBytes: (bytes: Buffer) => void heard.push(`${who} ${bytes}`),
    onFin: () => void heard.push(`${who} FIN`),
    onBroken: (code: string) => void heard.push(`${who} ${code}`),
    onRoom: () => void heard.push(`${who} room`),
  })
  const accept = (who: string) => (endpoint: Endpoint) => {
    endpoint.use(user(who))
    endpoint.startReading()
    ends.push(endpoint)
  }
  world.network.listen(far, 'b:80', accept('far'))
  const dialer = {
    process: near,
    isGivenUp: false,
    onConnected: accept('near'),
    onRefused: () => void heard.push('refused'),
  }
  return { near, far, heard, ends, dialer, dial: () => world.network.dial(dialer, 'b', 80) }
}

/** @returns the virtual time that it took */
function settle(): number {
  const since = world.nowMs
  while (world.step()) {}
  return world.nowMs - since
}

describe('a connection', () => {
  it.each([1, 2, 3, 4, 5])(
    'delivers bytes in order, in whatever pieces, and then the end (seed %i)',
    (seed) => {
      const { heard, ends, dial } = connected(seed)
      dial()
      settle()
      const [far, near] = ends
      near.write(Buffer.from('hello '))
      near.write(Buffer.from('world'))
      near.finish()
      far.write(Buffer.from('back'))
      settle()
      const text = (who: string) =>
        heard
          .filter((line) => line.startsWith(who))
          .map((line) => line.slice(who.length + 1))
          .join('')
      expect(text('far')).toBe('hello worldFIN')
      expect(text('near')).toBe('back')
    },
  )

  it('delivers late what was sent while it was blocked, behind what was on its way', () => {
    const { heard, ends, dial } = connected()
    dial()
    settle()
    const [, near] = ends
    near.write(Buffer.from('1'))
    near.pipe.block()
    near.write(Buffer.from('2'))
    settle()
    expect(heard).toEqual([])
    near.pipe.unblock()
    near.write(Buffer.from('3'))
    settle()
    expect(heard.join('').replaceAll('far ', '')).toBe('123')
  })

  it.each([1, 2, 3, 4, 5, 6])('keeps its order while it is blocked again and again (seed %i)', (seed) => {
    const { heard, ends, dial } = connected(seed)
    dial()
    settle()
    const [far, near] = ends
    for (let at = 0; at < 20; at++) {
      near.write(Buffer.from(String.fromCharCode(97 + at).repeat(5)))
      if (at % 3 === 0) near.pipe.block()
      for (let steps = at % 4; steps > 0; steps--) world.step()
      if (at % 3 === 1) near.pipe.unblock()
    }
    while (near.pipe.isBlocked) near.pipe.unblock()
    settle()
    expect(far.isClosed).toBe(false)
    const text = heard.join('').replaceAll('far ', '')
    expect(text).toBe(Array.from({ length: 20 }, (_, at) => String.fromCharCode(97 + at).repeat(5)).join(''))
  })

  it('makes a writer wait until the other side has read', () => {
    const { heard, ends, dial } = connected()
    dial()
    settle()
    const [far, near] = ends
    far.stopReading()
    near.write(Buffer.alloc(1_000))
    expect(near.hasRoom).toBe(false)
    near.awaitRoom()
    settle()
    expect(heard).toEqual([])
    far.startReading()
    settle()
    expect(heard.at(-1)).toBe('near room')
  })

  it('is reset by whoever closes it without having read', () => {
    const { heard, ends, dial } = connected()
    dial()
    settle()
    const [far, near] = ends
    far.stopReading()
    near.write(Buffer.from('unread'))
    settle()
    far.close()
    settle()
    expect(heard).toEqual(['near ECONNRESET'])
  })

  it('to nobody is refused', () => {
    const { heard, dialer } = connected()
    world.network.dial(dialer, 'b', 81)
    settle()
    expect(heard).toEqual(['refused'])
  })

  it('is closed by the kernel when its process is killed, and by nobody when the machine is gone', () => {
    for (const silently of [false, true]) {
      const { far, heard, dial } = connected()
      dial()
      settle()
      world.kill(far, silently)
      settle()
      expect(heard).toEqual(silently ? [] : ['near FIN'])
      world.close()
    }
  })

  it('between hosts that cannot reach each other is made when they can again', () => {
    const { ends, dial } = connected()
    const partition = world.network.separate(new Set(['b']))
    dial()
    settle()
    expect(ends).toEqual([])
    world.network.heal(partition)
    settle()
    expect(ends.length).toBe(2)
  })
})

describe('a process that is stopped', () => {
  it('hears when it goes on what has come meanwhile, and its timers then', () => {
    const { far, heard, ends, dial } = connected()
    dial()
    settle()
    const [, near] = ends
    world.pause(far)
    near.write(Buffer.from('x'))
    world.after(5, far, 'timer', () => void heard.push('timer'))
    settle()
    expect(heard).toEqual([])
    world.resume(far)
    settle()
    expect(heard.sort()).toEqual(['far x', 'timer'])
  })
})
