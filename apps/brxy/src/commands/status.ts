import type { AppStatus, Status } from '@brxy/edge'
import type { CommandEnvironment } from '@brxy/linker/cli'
import { collect, defineOptions } from '@brxy/options'
import { EXIT } from '../exit-code.ts'
import { flagTexts } from '../table-flags.ts'

export const STATUS_FLAGS = defineOptions({
  admin: {
    kind: 'string',
    flag: true,
    placeholder: 'HOST:PORT',
    default: '127.0.0.1:9081',
    doc: 'Admin port of the edge.',
  },
  json: { kind: 'boolean', flag: true, default: false, doc: 'For programs.' },
})

const TIMEOUT_MS = 5_000

/** Prints what an edge says about itself. @returns the exit code. */
export async function runStatus(
  argv: Readonly<Record<string, unknown>>,
  { env }: CommandEnvironment,
): Promise<number> {
  const { values } = collect(STATUS_FLAGS, { flags: flagTexts(STATUS_FLAGS, argv), env })
  let status: Status
  try {
    const response = await fetch(`http://${values.admin}/v1/status`, {
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    if (!response.ok) throw new Error(`it answered ${response.status}`)
    status = (await response.json()) as Status
  } catch (error) {
    const cause = (error as { cause?: Error }).cause ?? (error as Error)
    process.stderr.write(
      `brxy status: no edge answers at ${values.admin}: ${cause.message}. Give --admin HOST:PORT.\n`,
    )
    return EXIT.UNAVAILABLE
  }
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
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
