import { resolve } from 'node:path'
import { Edge, type EdgeConfiguration } from '@brxy/edge'
import type { CommandEnvironment } from '@brxy/linker/cli'
import { collect, OptionsError } from '@brxy/options'
import { isBrxyError } from '@brxy/protocol'
import { type LoadedConfig, loadConfig, stateDirOf } from '../config/load.ts'
import { formatWarning } from '../config/problem.ts'
import { Reloader } from '../config/reloader.ts'
import { COMMAND, EDGE_FLAGS } from '../config/tables.ts'
import { watchFiles } from '../config/watch.ts'
import type { LogEvent } from '../log/event.ts'
import { jsonLog } from '../log/json-log.ts'
import { textLog } from '../log/text-log.ts'
import { flagTexts } from '../table-flags.ts'

/** @returns the exit code, when the edge has stopped. */
export async function runEdge(
  argv: Readonly<Record<string, unknown>>,
  { env, version }: CommandEnvironment,
): Promise<number> {
  const flags = flagTexts(EDGE_FLAGS, argv)
  const command = (argv['--'] as string[] | undefined) ?? []
  const own = collect(COMMAND, { flags, env }).values
  if (own.file !== undefined) assertNoCommand(own, command)
  else if (own.watch)
    throw new OptionsError('options/invalid', '--watch', 'needs a file to watch: give -f FILE')
  const servesHttp = own.tcp === undefined || collect(EDGE_FLAGS, { flags, env }).source.listen !== 'default'
  const inline = own.file === undefined ? commandApps(own, command, servesHttp) : undefined
  const places = { file: own.file ?? null, flags, env, inline }
  const loaded = await loadConfig(places).catch((error) => {
    throw nameFlag(error)
  })
  const { log, requests } = loaded.collected.values
  // Whoever reads the log may go away; the edge serves on.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  const isText = log === 'text' || (log === 'auto' && process.stdout.isTTY === true)
  const write: (event: LogEvent) => void = isText ? textLog(version) : jsonLog()
  for (const warning of loaded.warnings) write({ type: 'config-warning', problem: formatWarning(warning) })
  const reloader = own.file === undefined ? null : new Reloader(places, loaded, write)
  const make = (configuration: EdgeConfiguration): Edge => {
    const edge: Edge = new Edge({
      ...configuration,
      stateDir: stateDirOf(loaded, env),
      ...(own.file === undefined ? {} : { owner: `brxy ${resolve(own.file)}` }),
      version,
      onEvent: write,
      reportRequests: requests === 'on' || (requests === 'auto' && isText),
      describeConfig: () => reloader?.describe() ?? null,
      onReload: reloader === null ? null : () => reloader.reload(edge),
    })
    return edge
  }
  // Whoever sees that it listens may send signals: they are heard before.
  const starting = start(make, loaded, command.length > 0, write)
  const stopped = untilStopped(starting, reloader)
  // What changes while it starts is a change, too.
  const stopWatching =
    reloader !== null && own.watch
      ? watchFiles(
          () => reloader.inForce.files,
          (isRetry) => reloadStarted(starting, reloader, isRetry),
        )
      : () => {}
  try {
    await starting
    return await stopped
  } finally {
    stopWatching()
  }
}

interface CommandOptions {
  readonly hosts: readonly string[] | undefined
  readonly tcp: readonly string[] | undefined
  readonly scaler: string
}

/** With a file it says what apps there are. */
function assertNoCommand({ hosts, tcp }: CommandOptions, command: readonly string[]): void {
  if (command.length > 0) {
    const detail = 'a command cannot be given beside a file; write it as apps.NAME.scaler.shell.command'
    throw new OptionsError('options/invalid', '--', detail)
  }
  if (hosts !== undefined) {
    const detail = 'cannot be given beside a file; write it as apps.NAME.hosts'
    throw new OptionsError('options/invalid', '--host', detail)
  }
  if (tcp !== undefined) {
    const detail = 'cannot be given beside a file; write it as apps.NAME.tcp.bind'
    throw new OptionsError('options/invalid', '--tcp', detail)
  }
}

/**
 * What `brxy edge -- command` stands for: one app whose hosts are each an app of their own, and those that have a TCP
 * port. The command starts instances of all of them.
 */
function commandApps(
  { hosts, tcp = [], scaler }: CommandOptions,
  command: readonly string[],
  servesHttp: boolean,
): unknown {
  const started = command.length > 0 ? { scaler: { [scaler]: { command } } } : {}
  const apps = new Map<string, unknown>()
  for (const text of tcp) {
    const { bind, route } = parseTcp(text)
    if (apps.has(route)) throw new OptionsError('options/invalid', '--tcp', `names ${route} twice`)
    apps.set(route, { tcp: { bind }, ...started })
  }
  // Hosts are asked for by name. Without a command nothing can be started by mistake.
  if (servesHttp || hosts !== undefined || command.length === 0) {
    const name = apps.has(ANY) ? `${ANY}-host` : ANY
    apps.set(name, { perHost: true, hosts: hosts ?? [], ...started })
  }
  return { apps: Object.fromEntries(apps) }
}

/** Of the app behind any host. */
const ANY = 'any'

/** `[HOST:]PORT=ROUTE` */
function parseTcp(text: string): { bind: string; route: string } {
  const at = text.indexOf('=')
  if (at > 0 && at < text.length - 1) return { bind: text.slice(0, at), route: text.slice(at + 1) }
  const detail = `"${text}" is not [HOST:]PORT=ROUTE, such as 5432=postgres`
  throw new OptionsError('options/invalid', '--tcp', detail)
}

/** A mistake in what stands for a file was made in a flag. */
function nameFlag(error: unknown): unknown {
  if (!(error instanceof OptionsError)) return error
  const { keys, detail, code } = error
  if (keys[0] === 'apps' && (keys.length === 2 || keys[2] === 'tcp'))
    return new OptionsError(code, '--tcp', detail, { cause: error })
  if (keys[2] === 'hosts') return new OptionsError(code, '--host', detail, { cause: error })
  if (keys[2] === 'scaler') return new OptionsError(code, '--scaler', detail, { cause: error })
  return error
}

/**
 * Starts the edge. A taken tunnel or admin port that nobody chose is replaced by a free one, if only launches of this
 * edge have to find it: so a second `brxy edge` on the same machine just works.
 */
async function start(
  make: (configuration: EdgeConfiguration) => Edge,
  { configuration, collected }: LoadedConfig,
  mayMove: boolean,
  write: (event: LogEvent) => void,
): Promise<Edge> {
  const { tunnel, admin } = collected.values
  const binds = { tunnel: tunnel.bind, admin: admin.bind }
  for (;;) {
    const options = {
      ...configuration.options,
      tunnel: { ...tunnel, bind: binds.tunnel },
      admin: { ...admin, bind: binds.admin },
    }
    const edge = make({ ...configuration, options })
    try {
      await edge.start()
      return edge
    } catch (error) {
      const isTaken = isBrxyError(error) && error.code === 'edge/address-in-use'
      const port = isTaken
        ? (['tunnel', 'admin'] as const).find((name) => error.message.startsWith(`${binds[name]} `))
        : undefined
      const isChosen = port === undefined || collected.source[`${port}.bind`] !== 'default'
      if (isChosen || !mayMove || binds[port].endsWith(':0')) throw error
      write({
        type: 'scaler',
        level: 'warn',
        message: `${binds[port]} is taken; the ${port} port is a free one`,
        fields: {},
      })
      binds[port] = '127.0.0.1:0'
    }
  }
}

/**
 * SIGINT and SIGTERM drain, a second one ends it at once with 128 + n. SIGHUP reloads the file, or drains without one.
 * One that comes while the edge starts waits for that; if it cannot start, that is said by whoever waits for it, too.
 */
function untilStopped(starting: Promise<Edge>, reloader: Reloader | null): Promise<number> {
  const numbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const
  return new Promise((resolve, reject) => {
    let stopping = false
    for (const [signal, number] of Object.entries(numbers)) {
      process.on(signal as keyof typeof numbers, () => {
        if (signal === 'SIGHUP' && reloader !== null) {
          if (!stopping) void reloadStarted(starting, reloader, false)
          return
        }
        if (stopping) process.exit(128 + number)
        stopping = true
        starting.then(
          (edge) => edge.stop().then(() => resolve(0), reject),
          () => {},
        )
      })
    }
  })
}

/** Without an edge there is nothing to reload; why it did not start is said elsewhere. */
async function reloadStarted(
  starting: Promise<Edge>,
  reloader: Reloader,
  isRetry: boolean,
): Promise<boolean> {
  const edge = await starting.catch(() => null)
  return edge !== null && (await reloader.reload(edge, isRetry)).ok
}
