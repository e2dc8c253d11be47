import { afterEach, beforeEach, expect, it } from 'vitest'
import { TestEdge } from '../edge.testkit.ts'
import { eventually } from '../eventually.testkit.ts'
import { FakePlatform } from '../scaler.testkit.ts'

let edge: TestEdge
/** It knows a number of replicas, and starts again what exits. */
let platform: FakePlatform
beforeEach(async () => {
  platform = new FakePlatform()
  platform.launches = 'counted'
  platform.leave = 'park'
  edge = await TestEdge.start({}, platform.choice)
})
afterEach(() => edge.close())

it('a replica parks when it has left, and a linker that was started by hand exits, whatever launch it says', async () => {
  const replica = await edge.linker({ platform: 'replica-1' })
  const byHand = await edge.linker({ launch: 'copied' })
  expect([replica.welcome?.leave, byHand.welcome?.leave]).toEqual(['park', 'exit'])
})

it('a response that waited for a replica says how long that was on its way', async () => {
  const client = edge.client().get()
  const { launch } = await eventually('a launch', () => platform.started[0])
  const replica = await edge.linker({ platform: launch.id })
  ;(await replica.next()).respond('hello')
  expect(await client.until('hello')).toMatch(/\r\nServer-Timing: brxy-hold;dur=\d+, brxy-launch;dur=\d+, /)
})

it('a response that waited for a linker that was started by hand does not, whatever launch it says', async () => {
  const client = edge.client().get()
  await edge.untilHeld(1)
  const byHand = await edge.linker({ launch: 'copied' })
  ;(await byHand.next()).respond('hello')
  expect(await client.until('hello')).toMatch(/\r\nServer-Timing: brxy-hold;dur=\d+\r\n/)
})
