import { readFileSync } from 'node:fs'
import { collect, helpLines, OptionsError, parseFlags } from '@brxy/options'
import { AppError } from './app/errors.ts'
import { passThrough } from './app/output.ts'
import type { LinkerEvent } from './event.ts'
import { logEvent } from './log.ts'
import { LINKER_OPTIONS, type LinkerOptions } from './options.ts'
import { StartedApplication } from './started-application.ts'

// Nothing heavy is imported above: the application is spawned first, and ws, the tunnel and the HTTP path are loaded
// while it starts.

const USAGE = 2
const BAD_CONFIG = 78
const BUG = 1

const HELP_HEAD = `Serve an application through a brxy edge, so many requests at a time as it wants.

Examples:
  brxy link -c 4 -- python3 -m http.server {port}
  brxy link --route shop.example.com --to 127.0.0.1:3000
`

/** The terminal and environment of a command. */
export interface CommandEnvironment {
  readonly env: NodeJS.ProcessEnv
  readonly version: string
  /** Width of help. */
  readonly columns?: number
}

/**
 * The command `brxy link` (and `brxy-link`): starts the application, links it to the edge, and lives as long as both.
 * @param argv what follows the command's name
 * @returns the exit code (docs/cli.md)
 */
export async function runLink(
  argv: readonly string[],
  { env, version, columns = 100 }: CommandEnvironment,
): Promise<number> {
  let options: LinkerOptions
  let command: readonly string[] | undefined
  let isConcurrencySet: boolean
  try {
    const before = argv.indexOf('--') < 0 ? argv : argv.slice(0, argv.indexOf('--'))
    if (before.includes('--help') || before.includes('-h')) {
      process.stdout.write(
        `Usage: brxy link [options] [-- command… | --to host:port]\n\n${HELP_HEAD}\n${helpLines(LINKER_OPTIONS, columns).join('\n')}\n`,
      )
      return 0
    }
    if (before.includes('--version')) {
      process.stdout.write(`${version}\n`)
      return 0
    }
    const parsed = parseFlags(LINKER_OPTIONS, argv)
    const collected = collect(LINKER_OPTIONS, { flags: parsed.flags, env })
    options = collected.values
    isConcurrencySet = collected.source.concurrency !== 'default'
    // `brxy link python3 demo.py` means the same as with `--`.
    command = parsed.command ?? (parsed.positionals.length > 0 ? parsed.positionals : undefined)
  } catch (error) {
    if (!(error instanceof OptionsError)) throw error
    return complain(error.message, error.path.startsWith('BRXY_') ? BAD_CONFIG : USAGE)
  }
  const route = options.route ?? env['ROUTE']
  if (route === undefined || route === '')
    return complain('which app is this? Give --route, or set ROUTE (link/no-route)', USAGE)
  if (command === undefined && options.to === undefined) {
    return complain('nothing to serve: give a command after --, or --to host:port (link/no-command)', USAGE)
  }
  if (command !== undefined && options.to !== undefined)
    return complain('give a command or --to, not both', USAGE)
  return serve(options, route, command, env, isConcurrencySet)
}

async function serve(
  options: LinkerOptions,
  route: string,
  command: readonly string[] | undefined,
  env: NodeJS.ProcessEnv,
  isConcurrencySet: boolean,
): Promise<number> {
  const isLaunched = env['BRXY_LAUNCH'] !== undefined
  const isTerminal = process.stderr.isTTY === true
  const err = passThrough(process.stderr)
  const out = passThrough(process.stdout)
  const sink = {
    format:
      options.log === 'auto'
        ? isTerminal || isLaunched
          ? ('text' as const)
          : ('json' as const)
        : options.log,
    isQuiet: isLaunched,
    route,
    write: (line: string) => err.write(Buffer.from(`${line}\n`)),
  }
  const onEvent = (event: LinkerEvent) => logEvent(sink, event)

  // A signal that comes before the linker is loaded must not leave the application behind.
  const early: NodeJS.Signals[] = []
  const onSignal = { handle: (signal: NodeJS.Signals) => void early.push(signal) }
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const)
    process.on(signal, () => onSignal.handle(signal))

  let started: StartedApplication | null = null
  if (command !== undefined) {
    try {
      started = await StartedApplication.start({
        argv: command,
        port: options.appPort,
        healthPath: options.health,
        env,
        onOutput: (stream, chunk) => (stream === 'stdout' ? out : err).write(chunk),
        onNotice: (message) => onEvent({ type: 'notice', message }),
      })
    } catch (error) {
      if (!(error instanceof AppError)) throw error
      return complain(error.message, error.exitStatus)
    }
    onEvent({ type: 'app-started', pid: started.pid, port: started.port })
  }
  if (!isConcurrencySet && !isLaunched && isTerminal)
    err.write(Buffer.from('1 request at a time; more with -c\n'))

  const [{ Linker }, { AttachedApplication }, { isBrxyError }, { tunnelUrl }] = await Promise.all([
    import('./linker.ts'),
    import('./attached-application.ts'),
    import('@brxy/protocol'),
    import('./tunnel/edge-address.ts'),
  ])
  try {
    for (const edge of options.edges) tunnelUrl(edge)
    const linker = new Linker({
      options,
      route,
      application: started ?? new AttachedApplication(options.to as string, options.health),
      token: () => readToken(options, env),
      ...(env['BRXY_LAUNCH'] === undefined ? {} : { launch: env['BRXY_LAUNCH'] }),
      ...(env['BRXY_INSTANCE'] === undefined ? {} : { platform: env['BRXY_INSTANCE'] }),
      onEvent,
    })
    let signals = 0
    onSignal.handle = (signal) => {
      if (++signals === 1) linker.drain()
      else linker.kill(signal === 'SIGINT' ? 2 : signal === 'SIGHUP' ? 1 : 15)
    }
    linker.start()
    for (const signal of early) onSignal.handle(signal)
    return await linker.done
  } catch (error) {
    await started?.stop(options.stopMs)
    if (isBrxyError(error)) return complain(error.message, error.code === 'bug/assertion' ? BUG : USAGE)
    throw error
  }
}

/** The file is read anew at each dial: a platform renews it (a projected service-account token). */
function readToken(options: LinkerOptions, env: NodeJS.ProcessEnv): string {
  const path = env['BRXY_TOKEN_FILE']
  if (path === undefined || path === '') return options.token ?? ''
  return readFileSync(path, 'utf8').trim()
}

function complain(message: string, code: number): number {
  process.stderr.write(`brxy link: ${message}\n`)
  return code
}
