import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import type { Case } from '../case.ts'
import { moreThan, openHandles } from '../open-handles.ts'

export const OPTIONS: readonly Case[] = [
  {
    name: 'refuses a bad option by its path, at once, and touches nothing',
    async run(stage) {
      const { badOptions } = stage.driver
      assert.ok(badOptions.length > 0, 'the driver has badOptions')
      const host = stage.host()
      const adapter = await stage.adapter(host)
      for (const { options, path } of badOptions) {
        const what = `app(${JSON.stringify(options)})`
        const before = openHandles()
        const error = thrownBy(() => adapter.app(stage.route(), options))
        assert.ok(error !== undefined, `${what} has to throw, and did not`)
        assert.equal(
          Reflect.get(error, Symbol.for('brxy.error')),
          true,
          `${what} has to throw an error that is branded brxy.error, not ${error}`,
        )
        assert.ok(error.message.includes(path), `expected "${path}" in the message, saw: ${error.message}`)
        assert.deepEqual(moreThan(before, openHandles()), [], `${what} begins no I/O`)
      }
      assert.equal(
        existsSync(host.stateDir),
        false,
        `${host.stateDir} is not made for options that are checked`,
      )
    },
  },
]

function thrownBy(run: () => unknown): Error | undefined {
  try {
    run()
  } catch (error) {
    return error instanceof Error ? error : new Error(String(error))
  }
  return undefined
}
