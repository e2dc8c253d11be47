import assert from 'node:assert/strict'
import type { Instance, Problem } from '../../contract.ts'
import type { Case } from '../case.ts'
import { PROBLEM_CODES } from '../check-instances.ts'
import type { Stage } from '../stage.ts'
import { launchesOf } from '../tested-app.ts'

/** Where the contract says it: what can be had later, by itself, is never final. */
const FINAL: Readonly<Partial<Record<Problem['code'], boolean>>> = {
  image: true,
  invalid: true,
  denied: true,
  crashed: true,
  unschedulable: false,
  unavailable: false,
}

/** One for each class of problem. */
export const PROBLEMS: readonly Case[] = PROBLEM_CODES.map((code) => ({
  name: `tells the problem "${code}" within its time`,
  lacks: ({ problems }) =>
    problems?.[code] === undefined ? `its driver has no problem "${code}" to offer` : undefined,
  run: (stage) => meets(stage, code),
}))

async function meets(stage: Stage, code: Problem['code']): Promise<void> {
  const { driver, times } = stage
  const route = stage.route()
  stage.cleans(route)
  const provoked = await driver.problems?.[code]?.(route)
  assert.ok(provoked !== undefined, `the driver provokes ${code}`)
  if (provoked.undo !== undefined) stage.atEnd(provoked.undo)
  const adapter = await stage.adapter(stage.host(), provoked.make)
  const app = await stage.app(adapter, route, Promise.resolve(provoked.options))

  const start = launchesOf(route, 1)
  const { instances } = await app.reach(
    { want: 1, start, remove: [] },
    (seen) => {
      if (seen.instances.some(({ problem }) => problem?.code === code)) return undefined
      return `expected a problem "${code}", saw ${JSON.stringify(seen.instances)}`
    },
    times.problemMs,
  )
  const { state, launch, problem } = instances.find((one) => one.problem?.code === code) as Instance
  assert.ok(problem !== undefined)
  if (driver.launches === 'named') assert.equal(launch, start[0].id, 'the problem is that of the launch')
  const final = provoked.final ?? FINAL[code]
  if (final !== undefined) assert.equal(problem.final, final, `final of ${JSON.stringify(problem)}`)
  if (provoked.message !== undefined) assertSays(problem.message, provoked.message)
  // A replica that cannot start stays, and the platform goes on trying.
  if (problem.final && driver.launches === 'named')
    assert.equal(state, 'ended', 'a launch that has failed has ended')
  await app.reach({ want: 0, start: [], remove: instances }, ({ instances: left }) =>
    left.length === 0 ? undefined : `expected it to be removed, saw ${JSON.stringify(left)}`,
  )
}

function assertSays(message: string, part: string | RegExp): void {
  const says = typeof part === 'string' ? message.includes(part) : part.test(message)
  assert.ok(says, `expected the platform's own words (${part}) in the message, saw: ${message}`)
}
