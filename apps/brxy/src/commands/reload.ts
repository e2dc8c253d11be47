import type { ReloadReport } from '@brxy/edge'
import type { CommandEnvironment } from '@brxy/linker/cli'
import { collect, defineOptions } from '@brxy/options'
import type { OptionChange } from '@brxy/options/describe'
import { ADMIN_OPTIONS, AdminClient } from '../admin-client.ts'
import { changeLine } from '../config/change.ts'
import { EXIT } from '../exit-code.ts'
import { flagTexts } from '../table-flags.ts'

export const RELOAD_FLAGS = defineOptions({
  ...ADMIN_OPTIONS,
  json: { kind: 'boolean', flag: true, default: false, doc: 'For programs.' },
})

/** Has a running edge read its file again, and prints what is different. @returns the exit code. */
export async function runReload(
  argv: Readonly<Record<string, unknown>>,
  { env }: CommandEnvironment,
): Promise<number> {
  const { values } = collect(RELOAD_FLAGS, { flags: flagTexts(RELOAD_FLAGS, argv), env })
  const client = AdminClient.find(values, env)
  const { status, body } = await client.ask('POST', '/v1/reload', true)
  if (values.json && (status === 200 || status === 422)) {
    process.stdout.write(`${JSON.stringify(body, null, 2)}\n`)
    return status === 200 ? EXIT.CLEAN : EXIT.BAD_CONFIG
  }
  switch (status) {
    case 200: {
      const { changes } = body as ReloadReport & { changes: readonly OptionChange[] }
      const lines = changes.length === 0 ? ['no option is different'] : changes.map(changeLine)
      process.stdout.write(`${lines.join('\n')}\n`)
      return EXIT.CLEAN
    }
    case 422: {
      const { problems } = body as ReloadReport & { problems: readonly string[] }
      process.stderr.write(`${problems.join('\n')}\nbrxy reload: nothing was changed\n`)
      return EXIT.BAD_CONFIG
    }
    default: {
      const { error } = body as { error?: string }
      process.stderr.write(
        `brxy reload: the edge at ${client.address} answered ${status}: ${error ?? 'no reason'}\n`,
      )
      return status === 401 ? EXIT.TOKEN_REFUSED : status === 409 ? EXIT.USAGE : EXIT.UNAVAILABLE
    }
  }
}
