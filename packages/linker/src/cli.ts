import {
  type Collected,
  collect,
  defineOptions,
  helpLines,
  OptionsError,
  type ParsedFlags,
  parseFlags,
} from '@brxy/options'
import { LinkError } from './error.ts'
import { LINKER_OPTIONS, type LinkerOptions } from './options.ts'
import { serve } from './serve.ts'
import { edgeUrl } from './tunnel/edge-address.ts'

const USAGE = 2
const BAD_CONFIG = 78

const HELP = `Usage: brxy link [options] [-- command… | --to host:port]

Serve an application through a brxy edge, so many requests at a time as it wants.

Examples:
  brxy link -c 4 -- python3 -m http.server {port}
  brxy link --route shop.example.com --to 127.0.0.1:3000
`

/** Flags that are no options: they show something and end. */
const SHOW_FLAGS = defineOptions({
  help: { kind: 'boolean', flag: true, alias: 'h', doc: 'Show this help.' },
  version: { kind: 'boolean', flag: true, doc: 'Show the version.' },
})
const FLAGS = { ...LINKER_OPTIONS, ...SHOW_FLAGS }

/** The terminal and environment of a command. */
export interface CommandEnvironment {
  readonly env: NodeJS.ProcessEnv
  readonly version: string
  /** Width of help. */
  readonly columns?: number
}

/** What a command line asks for. */
export interface LinkRequest {
  readonly options: LinkerOptions
  readonly route: string
  /** The application's; undefined with `--to`. */
  readonly command: readonly string[] | undefined
  /** The concurrency was chosen, rather than left to the default. */
  readonly isConcurrencySet: boolean
  /** The file that the token is in, if it comes from one. */
  readonly tokenFile: string | undefined
}

/**
 * The command `brxy link` (and `brxy-link`): starts the application, links it to the edge, and lives as long as both.
 * @param argv what follows the command's name
 * @returns the exit code (docs/cli.md)
 */
export async function runLink(argv: readonly string[], environment: CommandEnvironment): Promise<number> {
  let request: LinkRequest
  try {
    const parsed = parseFlags(FLAGS, argv)
    const { help, version, ...flags } = parsed.flags
    if (help === 'true' || version === 'true') {
      process.stdout.write(
        help === 'true' ? helpText(environment.columns ?? 100) : `${environment.version}\n`,
      )
      return 0
    }
    request = readRequest({ ...parsed, flags }, environment.env)
  } catch (error) {
    if (error instanceof OptionsError)
      return complain(error.message, error.path.startsWith('BRXY_') ? BAD_CONFIG : USAGE)
    if (error instanceof LinkError) return complain(`${error.message} (${error.code})`, USAGE)
    throw error
  }
  return serve(request, environment.env)
}

/** @throws OptionsError, LinkError */
function readRequest({ flags, command, positionals }: ParsedFlags, env: NodeJS.ProcessEnv): LinkRequest {
  const { values: options, source } = collect(LINKER_OPTIONS, { flags, env })
  for (const edge of options.edges) edgeUrl(edge)
  assertNoContradiction(options, source)
  const route = options.route ?? env.ROUTE
  if (route === undefined || route === '')
    throw new LinkError('link/no-route', 'which app is this? Give --route, or set ROUTE')
  // `brxy link python3 demo.py` means the same as with `--`.
  const words = command ?? (positionals.length > 0 ? positionals : undefined)
  if (words === undefined && options.to === undefined)
    throw new LinkError('link/no-command', 'nothing to serve: give a command after --, or --to host:port')
  if (words !== undefined && options.to !== undefined)
    throw new LinkError('link/two-applications', 'give a command or --to, not both')
  const file = env.BRXY_TOKEN_FILE
  return {
    options,
    route,
    command: words,
    isConcurrencySet: source.concurrency !== 'default',
    tokenFile: source.token === 'env' && file !== '' ? file : undefined,
  }
}

type Given = 'h2c' | 'health' | 'sendProxy' | 'tcp'

/** What cannot be given together, and why. */
const CONTRADICTIONS: readonly [one: Given, other: Given, reason: string][] = [
  ['h2c', 'tcp', 'an application behind --tcp speaks no HTTP'],
  ['health', 'tcp', 'an application behind --tcp speaks no HTTP'],
  ['sendProxy', 'h2c', 'one connection of HTTP/2 carries the requests of many clients'],
]

/** @throws OptionsError. The other may come from the edge that launched this linker (BRXY_TCP): a flag is named if one is. */
function assertNoContradiction(
  options: LinkerOptions,
  source: Collected<typeof LINKER_OPTIONS>['source'],
): void {
  const isGiven = (name: Given) => options[name] !== undefined && options[name] !== false
  const written = (name: Given) => {
    const words = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    return source[name] === 'flag' ? `--${words}` : `BRXY_${words.toUpperCase().replaceAll('-', '_')}`
  }
  for (const [one, other, reason] of CONTRADICTIONS) {
    if (!isGiven(one) || !isGiven(other)) continue
    const [blamed, beside] = source[one] === 'flag' || source[other] !== 'flag' ? [one, other] : [other, one]
    const detail = `cannot be given with ${written(beside)}: ${reason}; give one of them`
    throw new OptionsError('options/invalid', written(blamed), detail)
  }
}

function helpText(columns: number): string {
  return `${HELP}\n${[...helpLines(LINKER_OPTIONS, columns), '', ...helpLines(SHOW_FLAGS, columns)].join('\n')}\n`
}

function complain(message: string, code: number): number {
  process.stderr.write(`brxy link: ${message}\n`)
  return code
}
