import { dirname } from 'node:path'
import { fileURLToPath } from 'node:url'
import { EDGE_OPTIONS, Edge, type EdgeEvent, type EdgeOptions, type ScalerChoice } from '@brxy/edge'
import type { CommandEnvironment } from '@brxy/linker/cli'
import { type Collected, collect, defineOptions } from '@brxy/options'
import { isBrxyError } from '@brxy/protocol'
import { jsonLog } from '../log/json-log.ts'
import { textLog } from '../log/text-log.ts'
import { loadScaler } from '../scalers.ts'
import { defaultStateDir } from '../state-dir.ts'
import { flagTexts } from '../table-flags.ts'

/** The edge's own flags and those of the command around it. */
export const EDGE_FLAGS = defineOptions({
  ...EDGE_OPTIONS,
  scaler: {
    kind: 'string',
    flag: true,
    default: 'shell',
    placeholder: 'NAME',
    doc: 'What starts instances: @brxy/scaler-NAME, a package, or a file.',
    group: 'Apps',
  },
  log: {
    kind: 'enum',
    flag: true,
    values: ['auto', 'text', 'json'],
    default: 'auto',
    doc: 'Lines for people (auto: on a terminal).',
    group: 'Process',
  },
  requests: {
    kind: 'enum',
    flag: true,
    values: ['auto', 'on', 'off'],
    default: 'auto',
    doc: 'Also for requests (auto: on a terminal).',
    group: 'Process',
  },
})

/** @returns the exit code, when the edge has stopped. */
export async function runEdge(
  argv: Readonly<Record<string, unknown>>,
  { env, version }: CommandEnvironment,
): Promise<number> {
  const collected = collect(EDGE_FLAGS, { flags: flagTexts(EDGE_FLAGS, argv), env })
  const { scaler, log, requests, ...options } = collected.values
  const command = (argv['--'] as string[] | undefined) ?? []
  // Whoever reads the log may go away; the edge serves on.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {})
  const isText = log === 'text' || (log === 'auto' && process.stdout.isTTY === true)
  const write = isText ? textLog(version) : jsonLog()
  const choice = command.length === 0 ? null : await shellChoice(scaler, command)
  const make = (given: EdgeOptions) =>
    new Edge({
      options: { ...given, stateDir: given.stateDir ?? defaultStateDir(env) },
      scaler: choice,
      version,
      onEvent: write,
      reportRequests: requests === 'on' || (requests === 'auto' && isText),
    })
  const edge = await start(make, options, collected, choice !== null, write)
  return untilStopped(edge)
}

/**
 * Starts the edge. A taken tunnel or admin port that nobody chose is replaced by a free one, if only launches of this
 * edge have to find it: so a second `brxy edge` on the same machine just works.
 */
async function start(
  make: (options: EdgeOptions) => Edge,
  options: EdgeOptions,
  { source }: Collected<typeof EDGE_FLAGS>,
  mayMove: boolean,
  write: (event: EdgeEvent) => void,
): Promise<Edge> {
  let given = options
  for (;;) {
    const edge = make(given)
    try {
      await edge.start()
      return edge
    } catch (error) {
      const taken = isBrxyError(error) && error.code === 'edge/address-in-use'
      const port = taken
        ? (['tunnel', 'admin'] as const).find((name) => error.message.startsWith(`${given[name]} `))
        : undefined
      if (port === undefined || !mayMove || source[port] !== 'default' || given[port].endsWith(':0'))
        throw error
      write({
        type: 'scaler',
        level: 'warn',
        message: `${given[port]} is taken; the ${port} port is a free one`,
        fields: {},
      })
      given = { ...given, [port]: '127.0.0.1:0' }
    }
  }
}

async function shellChoice(name: string, command: readonly string[]): Promise<ScalerChoice> {
  // This brxy is the one that launches find on their PATH.
  const bin = dirname(fileURLToPath(new URL('../../bin/brxy', import.meta.url)))
  return {
    factory: await loadScaler(name),
    options: { pathPrefix: bin },
    appOptions: { command },
    isLocal: name === 'shell',
  }
}

/** SIGINT, SIGTERM and SIGHUP drain; a second one ends it at once with 128 + n. */
function untilStopped(edge: Edge): Promise<number> {
  const numbers = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const
  return new Promise((resolve, reject) => {
    let stopping = false
    for (const [signal, number] of Object.entries(numbers)) {
      process.on(signal as keyof typeof numbers, () => {
        if (stopping) process.exit(128 + number)
        stopping = true
        edge.stop().then(() => resolve(0), reject)
      })
    }
  })
}
