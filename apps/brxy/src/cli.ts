import type { CommandEnvironment } from '@brxy/linker/cli'
import { OptionsError, suggest } from '@brxy/options'
import { isBrxyError } from '@brxy/protocol'
import yargs from 'yargs'
import { EDGE_FLAGS, runEdge } from './commands/edge.ts'
import { runStatus, STATUS_FLAGS } from './commands/status.ts'
import { runToken, TOKEN_FLAGS } from './commands/token.ts'
import { EXIT, exitCodeOf } from './exit-code.ts'
import { yargsOptions } from './table-flags.ts'

const COMMANDS = ['edge', 'link', 'token', 'status', 'help']

/** A mistake on the command line, with the text for the user. */
class UsageError extends Error {}

/**
 * Every command but `link`, which has a door of its own (main.ts).
 * @returns the exit code
 */
export async function runCli(argv: readonly string[], environment: CommandEnvironment): Promise<number> {
  let exitCode: number = EXIT.CLEAN
  const parser = yargs([...argv])
    .scriptName('brxy')
    .usage(
      '$0 <command>\n\nMakes any web application serverless: an edge holds requests, instances pull them.',
    )
    .parserConfiguration({
      'populate--': true,
      'parse-numbers': false,
      // 1.10, 0x10 and 1e3 in a command are words.
      'parse-positional-numbers': false,
      'camel-case-expansion': false,
      'halt-at-non-option': false,
    })
    .locale('en')
    .wrap(Math.min(110, environment.columns ?? 100))
    .version(environment.version)
    .alias('help', 'h')
    .command(
      'edge',
      'Accept clients, hold requests, start instances',
      (command) =>
        command
          .usage(
            '$0 edge [options] [-- command…]\n\nAccepts clients and linkers; runs the command when a request has to wait.',
          )
          .options(yargsOptions(EDGE_FLAGS))
          .example('$0 edge -p 8080 -- brxy link -- python3 demo.py', 'one app, from zero to many')
          .example('$0 edge -p 80 --host shop.example.com', 'only linkers that come by themselves'),
      async (args) => {
        exitCode = await runEdge(args, environment)
      },
    )
    .command('link', 'Serve an application through an edge (brxy link --help)', () => {})
    .command(
      'token',
      'Make a token for a linker that is started by hand',
      (command) =>
        command
          .usage(
            '$0 token --route ROUTE… [options]\n\nPrints a token that allows a linker to serve the routes.',
          )
          .options(yargsOptions(TOKEN_FLAGS))
          .example('$0 token --route shop.example.com', 'for a day')
          .example(
            'BRXY_TOKEN=$(brxy token -r localhost) brxy link -r localhost --to :3000',
            'an app that runs anyway',
          ),
      async (args) => {
        exitCode = await runToken(args, environment)
      },
    )
    .command(
      'status [app]',
      'Show apps, instances and held requests of a running edge',
      (command) =>
        command
          .usage('$0 status [app] [options]\n\nAsks the admin port of an edge.')
          .positional('app', { type: 'string', describe: 'only this app' })
          .options(yargsOptions(STATUS_FLAGS))
          .example('$0 status', 'a table')
          .example('$0 status --json | jq .apps', 'for programs'),
      async (args) => {
        exitCode = await runStatus(args, environment)
      },
    )
    .demandCommand(1, `which command? One of ${COMMANDS.slice(0, 4).join(', ')}`)
    .strict()
    .exitProcess(false)
    .fail((message, error, instance) => {
      if (error !== undefined && error !== null && !(error as { name?: string }).name?.startsWith('YError'))
        throw error
      throw new UsageError(explain(message, instance as unknown as YargsInside))
    })
  try {
    await parser.parseAsync()
    return exitCode
  } catch (error) {
    return complain(error, argv[0])
  }
}

/** yargs has this method and does not declare it. */
interface YargsInside {
  getOptions?: () => { readonly key: Readonly<Record<string, unknown>> }
}

/** yargs names what it does not know; the nearest right word helps more. */
function explain(message: string, parser: YargsInside): string {
  const unknown = /^Unknown (argument|command)s?: (.+)$/.exec(message)
  if (unknown === null) return message
  const words = unknown[2].split(', ')
  const flags = Object.keys(parser.getOptions?.().key ?? {})
  const told = words.map((word) => {
    const isCommand =
      unknown[1] === 'command' ||
      (COMMANDS.every((command) => command !== word) && !flags.some((f) => suggest(word, [f]) !== undefined))
    const near = isCommand ? suggest(word, COMMANDS) : suggest(word, flags)
    const hint = near === undefined ? '' : `; did you mean ${isCommand ? near : `--${near}`}?`
    return `unknown ${isCommand ? 'command' : 'flag'} ${isCommand ? `"${word}"` : `--${word}`}${hint}`
  })
  return told.join('\n')
}

function complain(error: unknown, command: string | undefined): number {
  const name = command !== undefined && COMMANDS.includes(command) ? `brxy ${command}` : 'brxy'
  if (error instanceof UsageError) {
    process.stderr.write(`${name}: ${error.message}\nSee ${name} --help.\n`)
    return EXIT.USAGE
  }
  if (error instanceof OptionsError) {
    process.stderr.write(`${name}: ${error.message}\n`)
    return error.path.startsWith('BRXY_') ? EXIT.BAD_CONFIG : EXIT.USAGE
  }
  if (isBrxyError(error)) {
    process.stderr.write(`${name}: ${error.message} (${error.code})\n`)
    return exitCodeOf(error.code)
  }
  process.stderr.write(`${name}: a bug in brxy: ${error instanceof Error ? error.stack : String(error)}\n`)
  return EXIT.BUG
}
