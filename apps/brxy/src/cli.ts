import type { CommandEnvironment } from '@brxy/linker/cli'
import { OptionsError, type OptionsTable, suggest } from '@brxy/options'
import { isBrxyError } from '@brxy/protocol'
import yargs from 'yargs'
import { CHECK_FLAGS, runCheck } from './commands/check.ts'
import { runEdge } from './commands/edge.ts'
import { INIT_FLAGS, runInit } from './commands/init.ts'
import { RELOAD_FLAGS, runReload } from './commands/reload.ts'
import { runSchema } from './commands/schema.ts'
import { runStatus, STATUS_FLAGS } from './commands/status.ts'
import { runToken, TOKEN_FLAGS } from './commands/token.ts'
import { ConfigError } from './config/problem.ts'
import { EDGE_FLAGS } from './config/tables.ts'
import { EXIT, exitCodeOf } from './exit-code.ts'
import { type CommandHelp, commandHelp, generalHelp } from './help.ts'
import { yargsOptions } from './table-flags.ts'

interface Command extends CommandHelp {
  readonly aliases?: readonly string[]
  /** Words beside the flags, as yargs has them. */
  readonly positionals?: string
  readonly flags: OptionsTable
  readonly run: (argv: Readonly<Record<string, unknown>>, environment: CommandEnvironment) => Promise<number>
}

const COMMANDS: readonly Command[] = [
  {
    name: 'edge',
    usage: 'edge [options] [-- command…]',
    summary: 'accepts clients, holds requests, starts instances',
    sentence: 'Accepts clients and linkers; runs the command when a request has to wait.',
    examples: [
      ['brxy edge -p 8080 -- brxy link -- python3 demo.py', 'one app, from zero to many'],
      ['brxy edge -f brxy.yaml', 'several apps'],
    ],
    flags: EDGE_FLAGS,
    run: runEdge,
  },
  {
    name: 'token',
    usage: 'token --route ROUTE… [options]',
    summary: 'makes a token for a linker that is started by hand',
    sentence: 'Prints a token that allows a linker to serve the routes.',
    examples: [
      ['brxy token --route shop.example.com', 'for a day'],
      ['BRXY_TOKEN=$(brxy token -r web) brxy link -r web --to :3000', 'an app that runs anyway'],
    ],
    flags: TOKEN_FLAGS,
    run: runToken,
  },
  {
    name: 'status',
    positionals: ' [app]',
    usage: 'status [app] [options]',
    summary: 'shows apps, instances and held requests of a running edge',
    sentence: 'Asks the admin port of an edge what it is doing.',
    examples: [
      ['brxy status', 'a table'],
      ['brxy status --json | jq .apps', 'for programs'],
    ],
    flags: STATUS_FLAGS,
    run: runStatus,
  },
  {
    name: 'init',
    positionals: ' [file]',
    usage: 'init [file] [options] [-- command…]',
    summary: 'writes a commented brxy.yaml to start from',
    sentence: 'Writes a configuration file for one app, with comments that show what else there is.',
    examples: [
      ['brxy init -- node server.js', 'brxy.yaml for this app'],
      ['brxy init staging.yaml', 'another name'],
    ],
    flags: INIT_FLAGS,
    run: runInit,
  },
  {
    name: 'check',
    aliases: ['validate'],
    positionals: ' [file]',
    usage: 'check [file] [options]',
    summary: 'checks a brxy.yaml, and shows each option and where it comes from',
    sentence: 'Checks a configuration file (brxy.yaml) as the edge would, and prints every option.',
    examples: [
      ['brxy check', 'every option of brxy.yaml'],
      ['brxy check --route shop.example.com/api', 'which app gets it'],
    ],
    flags: CHECK_FLAGS,
    run: runCheck,
  },
  {
    name: 'reload',
    positionals: ' [file]',
    usage: 'reload [file] [options]',
    summary: 'has a running edge read its file again, and shows what changed',
    sentence:
      'Asks a running edge to read its configuration file again; requests that are held or under way go on.',
    examples: [
      ['brxy reload', 'the edge of ./brxy.yaml'],
      ['brxy reload --admin 127.0.0.1:9081', 'the edge with this admin port'],
    ],
    flags: RELOAD_FLAGS,
    run: runReload,
  },
  {
    name: 'schema',
    usage: 'schema',
    summary: 'prints the JSON schema of brxy.yaml, for editors',
    sentence: 'Prints the JSON schema of the configuration file.',
    examples: [
      ['brxy schema > brxy.schema.json', 'a file that an editor can use'],
      ['brxy schema | jq .properties.apps', 'to look something up'],
    ],
    flags: {},
    run: runSchema,
  },
]

/** It has a door of its own (main.ts); here it is only named. */
const LINK: CommandHelp = {
  name: 'link',
  usage: 'link [options] [-- command… | --to host:port]',
  summary: 'runs an application and pulls requests for it',
  sentence: '',
  examples: [],
}
const ALL = [COMMANDS[0], LINK, ...COMMANDS.slice(1)]
const NAMES = ALL.map(({ name }) => name)

/** A mistake on the command line, with the text for the user. */
class UsageError extends Error {}

/**
 * Every command but `link`, which has a door of its own (main.ts).
 * @returns the exit code
 */
export async function runCli(argv: readonly string[], environment: CommandEnvironment): Promise<number> {
  // What follows `--` is somebody else's command line.
  const own = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv
  if (own.includes('--version')) {
    process.stdout.write(`${environment.version}\n`)
    return EXIT.CLEAN
  }
  if (own[0] === 'help' || own.includes('--help') || own.includes('-h')) {
    process.stdout.write(helpFor(own, environment.columns ?? 100))
    return EXIT.CLEAN
  }
  try {
    return await parseAndRun(argv, own, environment)
  } catch (error) {
    return complain(error, own[0])
  }
}

function helpFor(words: readonly string[], columns: number): string {
  const command = COMMANDS.find(({ name, aliases = [] }) =>
    [name, ...aliases].some((word) => words.includes(word)),
  )
  return command === undefined ? generalHelp(ALL) : commandHelp(command, command.flags, columns)
}

async function parseAndRun(
  argv: readonly string[],
  own: readonly string[],
  environment: CommandEnvironment,
): Promise<number> {
  let exitCode: number = EXIT.CLEAN
  const parser = yargs([...argv])
    .parserConfiguration({
      'populate--': true,
      'parse-numbers': false,
      // 1.10, 0x10 and 1e3 in a command are words.
      'parse-positional-numbers': false,
      'camel-case-expansion': false,
    })
    .locale('en')
    .help(false)
    .version(false)
    .demandCommand(1, `which command? One of ${NAMES.join(', ')}`)
    .strict()
    .exitProcess(false)
    .fail((message, error) => {
      // yargs throws errors of its own kind for what it also has a message for.
      if (error !== undefined && error !== null && error.name !== 'YError') throw error
      throw new UsageError(explain(message, own))
    })
  for (const { name, aliases = [], positionals = '', flags, run } of COMMANDS) {
    parser.command(
      [name, ...aliases].map((word) => `${word}${positionals}`),
      false,
      (command) => command.options(yargsOptions(flags)),
      async (args) => {
        exitCode = await run(args, environment)
      },
    )
  }
  await parser.parseAsync()
  return exitCode
}

/** yargs names what it does not know, without its dashes; the nearest right word helps more. */
function explain(message: string, own: readonly string[]): string {
  const valueless = /^Not enough arguments following: (.+)$/.exec(message)
  if (valueless !== null) return `${valueless[1].length === 1 ? '-' : '--'}${valueless[1]} needs a value`
  const unknown = /^Unknown (?:argument|command)s?: (.+)$/.exec(message)
  if (unknown === null) return message
  const command = COMMANDS.find(({ name, aliases = [] }) => [name, ...aliases].includes(own[0]))
  // yargs also lists the other spelling of a flag with dashes; only what was typed counts.
  const told = unknown[1].split(', ').map((word) => {
    const typed = own.find((text) => text.replace(/^--?/, '').split('=', 1)[0] === word) ?? word
    if (command === undefined) {
      if (typed.startsWith('-')) return `there is no flag ${typed} before the command`
      return `there is no command "${typed}"${meant(typed, NAMES)}`
    }
    if (!typed.startsWith('-')) {
      return `"${typed}" is one word too many${whereItBelongs(command.name, typed)}`
    }
    return `there is no flag ${typed.split('=', 1)[0]}${meant(word, Object.keys(yargsOptions(command.flags)), '--')}`
  })
  return [...new Set(told)].join('\n')
}

function whereItBelongs(command: string, word: string): string {
  if (command !== 'edge' && command !== 'init') return ''
  return /\.ya?ml$/.test(word) ? '; a file goes after -f' : '; the command to run goes after --'
}

function meant(word: string, words: readonly string[], dashes = ''): string {
  const near = suggest(word, words)
  return near === undefined ? '' : `; did you mean ${dashes}${near}?`
}

function complain(error: unknown, command: string | undefined): number {
  const name = command !== undefined && NAMES.includes(command) ? `brxy ${command}` : 'brxy'
  if (error instanceof UsageError) {
    process.stderr.write(`${name}: ${error.message}\nSee ${name} --help.\n`)
    return EXIT.USAGE
  }
  if (error instanceof ConfigError) {
    process.stderr.write(`${error.message}\n`)
    return EXIT.BAD_CONFIG
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
