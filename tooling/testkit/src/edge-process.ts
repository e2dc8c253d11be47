import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Answer, type AskOptions, ask } from './ask.ts'
import { eventually, PATIENCE_MS } from './eventually.ts'
import { Running } from './process.ts'
import { tempDir } from './temp-dir.ts'

/** The command under test, as its package has it. */
export const BRXY = fileURLToPath(new URL('../../../apps/brxy/bin/brxy', import.meta.url))

/** A `brxy` command with these arguments. */
export function brxy(
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string } = {},
): Running {
  return new Running(process.execPath, [BRXY, ...args], options)
}

/** One line of an edge's JSON log. */
export interface LoggedEvent {
  readonly msg: string
  readonly level: string
  readonly [field: string]: unknown
}

export interface EdgeProcessOptions {
  /** After `--`; absent: an edge without a command. */
  readonly command?: readonly string[]
  /** A configuration file, which then says the addresses, and `stateDir: state` beside itself. */
  readonly file?: string
  readonly flags?: readonly string[]
  readonly env?: NodeJS.ProcessEnv
  /** A command that becomes the edge: `setpriv ...`. */
  readonly under?: readonly string[]
  /** Kept between two edges to test a restart. */
  readonly stateDir?: string
  /** Ports of its own choice (default: free ones), for an edge that comes back to the same. */
  readonly ports?: { readonly clients: number; readonly tunnel: number; readonly admin: number }
  /** How long it may take until it listens (default 20 s). */
  readonly listensWithinMs?: number
  /** A line for each request (default yes; a benchmark has too many). */
  readonly requests?: boolean
}

/** A real `brxy edge` on free ports, with its JSON log as a list of events. */
export class EdgeProcess extends Running {
  readonly stateDir: string
  port = 0
  tunnel = ''
  admin = ''
  readonly #remove: () => void

  readonly #events: LoggedEvent[] = []
  #parsed = 0

  private constructor(options: EdgeProcessOptions, stateDir: string, remove: () => void) {
    const log = ['--log', 'json', '--requests', (options.requests ?? true) ? 'on' : 'off']
    const command = options.command === undefined ? [] : ['--', ...options.command]
    const words = [...settings(options, stateDir), ...log, ...(options.flags ?? []), ...command]
    const [program, ...args] = [...(options.under ?? []), process.execPath, BRXY, 'edge', ...words]
    super(program, args, { env: { ...options.env } })
    this.stateDir = stateDir
    this.#remove = remove
  }

  /** Starts it and waits until it listens. */
  static async start(options: EdgeProcessOptions = {}): Promise<EdgeProcess> {
    const given = options.file === undefined ? options.stateDir : join(dirname(options.file), 'state')
    const dir = given === undefined ? tempDir() : { path: given, remove() {} }
    const edge = new EdgeProcess(options, dir.path, dir.remove)
    // One that does not get that far is nobody's to close.
    const { listensWithinMs } = options
    const listening = await edge.event('listening', undefined, 1, listensWithinMs).catch(async (error) => {
      await edge.close()
      throw error
    })
    edge.port = Number((listening.clients as string[])[0].split(':').pop())
    edge.tunnel = listening.tunnel as string
    edge.admin = listening.admin as string
    return edge
  }

  /** Every event so far. */
  get events(): readonly LoggedEvent[] {
    // Read once each, for tests ask every few milliseconds.
    for (let end = this.stdout.indexOf('\n', this.#parsed); end >= 0; ) {
      const line = this.stdout.slice(this.#parsed, end)
      this.#parsed = end + 1
      if (line.startsWith('{')) this.#events.push(JSON.parse(line) as LoggedEvent)
      end = this.stdout.indexOf('\n', this.#parsed)
    }
    return this.#events
  }

  /** Events with that message that match. */
  matching(msg: string, match: (event: LoggedEvent) => boolean = () => true): LoggedEvent[] {
    return this.events.filter((event) => event.msg === msg && match(event))
  }

  /** Waits for the nth event with that message that matches. */
  async event(
    msg: string,
    match: (event: LoggedEvent) => boolean = () => true,
    nth = 1,
    timeoutMs = PATIENCE_MS,
  ): Promise<LoggedEvent> {
    return eventually(
      `event ${nth} "${msg}" of the edge`,
      () => {
        const found = this.matching(msg, match)[nth - 1]
        if (found === undefined && this.exit !== null)
          throw new Error(`the edge ended before "${msg}":\n${this.output}`)
        return found
      },
      timeoutMs,
    )
  }

  url(path = '/', host = 'localhost'): string {
    return `http://${host}:${this.port}${path}`
  }

  /** One request on a connection of its own, to any host. */
  ask(path = '/', options: AskOptions = {}): Promise<Answer> {
    return ask(this.port, path, options)
  }

  /** Process id of the nth linker that was launched. */
  async linkerPid(nth = 1): Promise<number> {
    return (await this.event('launch started', undefined, nth)).pid as number
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests look at the parts they know.
  async status(): Promise<any> {
    const response = await fetch(`http://${this.admin}/v1/status`)
    return response.json()
  }

  /** Stops the edge, with what it started, and removes its state. */
  async close(): Promise<void> {
    try {
      await this.stop(30_000)
    } finally {
      this.#remove()
    }
  }
}

/** Where it listens and keeps its state. */
function settings({ file, ports }: EdgeProcessOptions, stateDir: string): string[] {
  if (file !== undefined) return ['-f', file]
  const { clients, tunnel, admin } = ports ?? { clients: 0, tunnel: 0, admin: 0 }
  const addresses = ['-p', `${clients}`, '--tunnel', `127.0.0.1:${tunnel}`, '--admin', `127.0.0.1:${admin}`]
  return [...addresses, '--state-dir', stateDir]
}
