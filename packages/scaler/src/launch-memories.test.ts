import { expect, it } from 'vitest'
import type { Host } from './contract.ts'
import { LaunchMemories, MAX_ROUTES } from './launch-memories.ts'

const host: Host = { owner: 'me', stateDir: '/nonexistent', changed() {}, log() {} }

it('is the same for a route that is asked for again', () => {
  const memories = new LaunchMemories(host)
  expect(memories.of('a')).toBe(memories.of('a'))
  expect(memories.of('a')).not.toBe(memories.of('b'))
})

it('forgets routes beyond its bound, but none of which a launch is under way', () => {
  const memories = new LaunchMemories(host)
  const [busy, idle] = [memories.of('busy'), memories.of('idle')]
  busy.start('x', () => new Promise(() => {}))
  for (let i = 0; i < MAX_ROUTES; i++) memories.of(`${i}`)
  expect(memories.of('busy')).toBe(busy)
  expect(memories.of('idle')).not.toBe(idle)
})
