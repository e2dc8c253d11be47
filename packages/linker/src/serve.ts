import { AppError } from './app/errors.ts'
import { passThrough } from './app/output.ts'
import type { HealthPage } from './app/probe.ts'
import { localHeader } from './app/proxy-local.ts'
import type { Application } from './application.ts'
import type { LinkRequest } from './cli.ts'
import type { ControlSocket } from './control/control-socket.ts'
import { LinkError } from './error.ts'
import type { LinkerEvent } from './event.ts'
import { keepSmallSoon } from './footprint.ts'
import { type LogSink, logEvent } from './log.ts'
import { onSignals } from './signals.ts'
import { StartedApplication } from './started-application.ts'
import { readToken } from './token.ts'

// Nothing heavy is imported above, nor by what is imported: the application is spawned first, and ws, the tunnel and
// the HTTP path are loaded while it starts. A test looks.

const USAGE = 2

/** Starts the application, or attaches to it, and links it until one of them ends. @returns the exit code */
export async function serve(request: LinkRequest, env: NodeJS.ProcessEnv): Promise<number> {
  const { options, route, command, isConcurrencySet } = request
  const isLaunched = env.BRXY_LAUNCH !== undefined
  // Of a launch nobody asks, and making a stream of stderr takes time.
  const isTerminal = !isLaunched && process.stderr.isTTY === true
  const out = passThrough(() => process.stdout)
  const err = passThrough(() => process.stderr)
  const format = options.log === 'auto' ? (isTerminal || isLaunched ? 'text' : 'json') : options.log
  const write = (line: string) => err.write(Buffer.from(`${line}\n`))
  const sink: LogSink = { format, isQuiet: isLaunched, route, write }
  const onEvent = (event: LinkerEvent) => logEvent(sink, event)
  const complain = (error: Error & { readonly code: string }, status: number) => {
    write(`brxy link: ${error.message} (${error.code})`)
    return status
  }

  const signals = onSignals()
  let control: ControlSocket | null = null
  let growAgain = () => {}
  try {
    let application: Application | null = null
    if (command !== undefined || options.control !== undefined) {
      try {
        if (options.control !== undefined) control = await openControl(options.control)
        const appEnv = control === null ? env : { ...env, BRXY_CONTROL: control.path }
        if (command !== undefined)
          application = await start(request, command, appEnv, onEvent, (stream, chunk) =>
            (stream === 'stdout' ? out : err).write(chunk),
          )
      } catch (error) {
        if (!(error instanceof AppError)) throw error
        complain(error, error.exitStatus)
        // An edge that waits for this launch is told why; by hand, the message above is enough.
        if (!isLaunched) return error.exitStatus
        const { UnstartedApplication } = await import('./unstarted-application.ts')
        application = new UnstartedApplication(error)
      }
    }
    if (!isConcurrencySet && !isLaunched && isTerminal) write('1 request at a time; more with -c')

    if (application === null) {
      const { AttachedApplication } = await import('./attached-application.ts')
      application = new AttachedApplication(options.to as string, healthPage(options))
    }
    const { Linker } = await import('./linker.ts')
    const linker = new Linker({
      options,
      route,
      application,
      token: () => readToken(request.tokenFile, options.token),
      ...(env.BRXY_LAUNCH === undefined ? {} : { launch: env.BRXY_LAUNCH }),
      ...(env.BRXY_INSTANCE === undefined ? {} : { platform: env.BRXY_INSTANCE }),
      onEvent,
    })
    linker.start()
    control?.attach(linker)
    growAgain = keepSmallSoon()
    signals.handle({
      onEnd: (number, count) => (count === 1 ? linker.drain() : linker.kill(number)),
      onReplace: () => linker.replace(),
    })
    return await linker.done
  } catch (error) {
    // Before anything was started: only --to can be wrong by now.
    if (error instanceof LinkError) return complain(error, USAGE)
    throw error
  } finally {
    growAgain()
    signals.close()
    control?.close()
  }
}

/** Before the application is started, which is told where it is. node:http is large: only for those who want it. */
async function openControl(path: string): Promise<ControlSocket> {
  const { ControlSocket } = await import('./control/control-socket.ts')
  return ControlSocket.open(path)
}

async function start(
  { options }: LinkRequest,
  command: readonly string[],
  env: NodeJS.ProcessEnv,
  onEvent: (event: LinkerEvent) => void,
  onOutput: (stream: 'stdout' | 'stderr', chunk: Buffer) => void,
): Promise<StartedApplication> {
  return StartedApplication.start({
    argv: command,
    port: options.appPort,
    health: healthPage(options),
    env,
    onOutput,
    onStarted: (pid, port) => onEvent({ type: 'app-started', pid, port }),
    onNotice: (message) => onEvent({ type: 'notice', message }),
  })
}

function healthPage({ health, h2c, sendProxy }: LinkRequest['options']): HealthPage | undefined {
  if (health === undefined) return undefined
  return { path: health, h2c, ...(sendProxy === undefined ? {} : { preface: localHeader(sendProxy) }) }
}
