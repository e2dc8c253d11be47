import type { AppStatus, FailureStatus, Status } from '@brxy/edge'
import type { CommandEnvironment } from '@brxy/linker/cli'
import { collect, defineOptions } from '@brxy/options'
import { ADMIN_OPTIONS, AdminClient } from '../admin-client.ts'
import { columns } from '../columns.ts'
import type { ConfigStatus } from '../config/reloader.ts'
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
  const client = AdminClient.find(values, env)
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
  if (only !== undefined && apps.length === 0) {
    process.stderr.write(`brxy status: the edge at ${client.address} has no app "${only}"\n`)
    return EXIT.UNAVAILABLE
  }
  process.stdout.write(
    values.json
      ? `${JSON.stringify({ ...status, apps }, null, 2)}\n`
      : `${table(apps)}\n${configLines(status)}`,
  )
  return EXIT.CLEAN
}

function table(apps: readonly AppStatus[]): string {
  const rows = [['APP', 'HELD', 'INSTANCE', 'SLOTS', 'BUSY', 'PHASE']]
  for (const { app, held, instances, launches, failure } of apps) {
    const first = [app, String(held.count)]
    const lines = [
      ...instances.map((i) => [i.instance, String(i.slots), String(i.busy), i.phase]),
      ...launches.map((l) => [`${app}/${l.copy}`, '', '', l.phase]),
    ]
    if (failure !== null)
      lines.push(['-', '', '', `failed (${failure.code}): ${failure.message}${nextTry(failure)}`])
    else if (lines.length === 0) lines.push(['-', '', '', 'asleep'])
    for (const [at, line] of lines.entries()) rows.push([...(at === 0 ? first : ['', '']), ...line])
  }
  if (rows.length === 1) return 'No app has been asked for yet.'
  return columns(rows)
}

function nextTry({ retryMs }: FailureStatus): string {
  return retryMs > 0 ? `; next try in ${Math.ceil(retryMs / 1000)}s` : ''
}

/** A file that was changed and refused: what runs is not what it says. */
function configLines({ config }: Status): string {
  const { file, loadedAt, problems = [] } = (config ?? {}) as Partial<ConfigStatus>
  if (problems.length === 0) return ''
  return `\n${file} has been changed and refused; in force is what it said at ${loadedAt}:\n${problems.map((line) => `  ${line}\n`).join('')}`
}
