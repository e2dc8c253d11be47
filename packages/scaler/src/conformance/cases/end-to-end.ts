import assert from 'node:assert/strict'
import { type Case, without } from '../case.ts'
import { eventually, together, within } from '../wait.ts'

export const END_TO_END: readonly Case[] = [
  {
    name: 'goes from zero to four instances and back, through a real edge and linkers',
    lacks: without('endToEnd'),
    async run(stage) {
      const { driver, times } = stage
      const route = stage.route()
      stage.cleans(route)
      const edge = await driver.endToEnd?.(route)
      assert.ok(edge !== undefined)
      try {
        assert.equal((await driver.list(route)).length, 0, 'nothing runs before the first request')
        let most = 0
        let isAnswered = false
        const answers = together([edge.ask(), edge.ask(), edge.ask(), edge.ask()])
        const watching = (async () => {
          while (!isAnswered) {
            most = Math.max(most, (await driver.list(route)).length)
            await new Promise((resolve) => setTimeout(resolve, times.pollMs))
          }
        })()
        try {
          assert.deepEqual(await within('four requests', 2 * times.patienceMs, answers), [200, 200, 200, 200])
        } finally {
          isAnswered = true
          await watching
        }
        assert.equal(most, 4, 'four requests that take a while are served by four instances')
        await eventually({
          missing: async () => {
            const left = await driver.list(route)
            return left.length === 0
              ? undefined
              : `expected no instance to be left, saw ${JSON.stringify(left)}`
          },
          withinMs: 2 * times.patienceMs,
          pollMs: times.pollMs,
        })
      } finally {
        await edge.close()
      }
    },
  },
]
