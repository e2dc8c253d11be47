import type { CommandEnvironment } from '@brxy/linker/cli'
import { collect, defineOptions } from '@brxy/options'
import type { OptionChange } from '@brxy/options/describe'
import { ADMIN_OPTIONS, AdminClient } from '../admin-client.ts'
import { changeLine } from '../config/change.ts'
import { ConfigError } from '../config/problem.ts'
import { EXIT } from '../exit-code.ts'
import { flagTexts } from '../table-flags.ts'

export const RELOAD_FLAGS = defineOptions({
  ...ADMIN_OPTIONS,
  json: { kind: 'boolean', flag: true, default: false, doc: 'For programs.' },
})

/** What the report of a reload that was done says beside `ok`. */
interface Reloaded {
  readonly changes: readonly OptionChange[]
  /** A line each. */
  readonly warnings: readonly string[]
}

/** Has a running edge read its file again, and prints what is different. @returns the exit code. */
export async function runReload(
  argv: Readonly<Record<string, unknown>>,
  { env }: CommandEnvironment,
): Promise<number> {
  const { values } = collect(RELOAD_FLAGS, { flags: flagTexts(RELOAD_FLAGS, argv), env })
  let client: AdminClient
  try {
    client = AdminClient.find(values, env)
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error
    // Where the edge is stands in the file, so it is not even asked.
    return refuse(error.message.split('\n'), values.json)
  }
  const { status, body } = await client.ask('POST', '/v1/reload', true)
  switch (status) {
    case 200: {
      if (values.json) {
        process.stdout.write(`${JSON.stringify(body, null, 2)}\n`)
        return EXIT.CLEAN
      }
      const { changes, warnings } = body as Reloaded
      const lines = changes.length === 0 ? ['no option is different'] : changes.map(changeLine)
      process.stdout.write(`${lines.join('\n')}\n`)
      for (const warning of warnings) process.stderr.write(`${warning}\n`)
      return EXIT.CLEAN
    }
    case 422:
      return refuse((body as { problems: readonly string[] }).problems, values.json)
    default: {
      const { error } = body as { error?: string }
      process.stderr.write(
        `brxy reload: the edge at ${client.address} answered ${status}: ${error ?? 'no reason'}\n`,
      )
      return status === 401 ? EXIT.TOKEN_REFUSED : status === 409 ? EXIT.USAGE : EXIT.UNAVAILABLE
    }
  }
}

/** Says what is wrong with a file that is not in force. @returns the exit code */
function refuse(problems: readonly string[], isJson: boolean): number {
  if (isJson) process.stdout.write(`${JSON.stringify({ ok: false, problems }, null, 2)}\n`)
  else process.stderr.write(`${problems.join('\n')}\nbrxy reload: nothing was changed\n`)
  return EXIT.BAD_CONFIG
}
