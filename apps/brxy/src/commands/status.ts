import type { AppStatus, Status } from '@brxy/edge'
import type { CommandEnvironment } from '@brxy/linker/cli'
import { collect, defineOptions } from '@brxy/options'
import { ADMIN_OPTIONS, AdminClient } from '../admin-client.ts'
import { columns } from '../columns.ts'
import { EXIT } from '../exit-code.ts'
import { flagTexts } from '../table-flags.ts'

export const STATUS_FLAGS = defineOptions({
  ...ADMIN_OPTIONS,
  json: { kind: 'boolean', flag: true, default: false, doc: 'For programs.' },
})

/** Prints what an edge says about itself. @returns the exit code. */
export async function runStatus(
  argv: Readonly<Record<string, unknown>>,
  { env }: CommandEnvironment,
): Promise<number> {
  const { values } = collect(STATUS_FLAGS, { flags: flagTexts(STATUS_FLAGS, argv), env })
  const client = await AdminClient.find(values, env)
  const answer = await client.ask('GET', '/v1/status', false)
  if (answer.status !== 200) {
    const { error } = answer.body as { error?: string }
    process.stderr.write(
      `brxy status: the edge at ${client.address} answered ${answer.status}: ${error ?? 'no reason'}\n`,
    )
    return answer.status === 401 ? EXIT.TOKEN_REFUSED : EXIT.UNAVAILABLE
  }
  const status = answer.body as Status
  const only = argv.app
  const apps = only === undefined ? status.apps : status.apps.filter(({ app }) => app === only)
  process.stdout.write(values.json ? `${JSON.stringify({ ...status, apps }, null, 2)}\n` : `${table(apps)}\n`)
  return EXIT.CLEAN
}

function table(apps: readonly AppStatus[]): string {
  const rows = [['APP', 'HELD', 'INSTANCE', 'PHASE', 'SLOTS', 'BUSY']]
  for (const { app, held, instances, launches } of apps) {
    const first = [app, String(held.count)]
    const lines = [
      ...instances.map((i) => [i.instance, i.phase, String(i.slots), String(i.busy)]),
      ...launches.map((l) => [`${app}/${l.copy}`, l.phase, '', '']),
    ]
    if (lines.length === 0) lines.push(['-', 'asleep', '', ''])
    for (const [at, line] of lines.entries()) rows.push([...(at === 0 ? first : ['', '']), ...line])
  }
  if (rows.length === 1) return 'No app has been asked for yet.'
  return columns(rows)
}
