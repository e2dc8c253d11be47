import { helpLines, type OptionsTable } from '@brxy/options'

/** What `--help` says about a command. */
export interface CommandHelp {
  readonly name: string
  /** Without `brxy`: `edge [options] [-- command…]`. */
  readonly usage: string
  /** For the list of commands. */
  readonly summary: string
  readonly sentence: string
  /** A command line and why somebody would type it. */
  readonly examples: readonly (readonly [string, string])[]
}

/** Help for one command: usage, one sentence, two examples, and its flags by groups; at most 40 lines of 100 columns. */
export function commandHelp(command: CommandHelp, table: OptionsTable, columns: number): string {
  const { usage, sentence, examples } = command
  const lines = [`Usage: brxy ${usage}`, '', sentence, '', 'Examples:']
  const column = Math.max(...examples.map(([line]) => line.length))
  for (const [line, why] of examples) {
    const oneLine = `  ${line.padEnd(column)}   ${why}`
    lines.push(oneLine.length <= columns ? oneLine : `  ${line}`)
  }
  return `${[...lines, '', ...helpLines(table, columns)].join('\n')}\n`
}

/** Help for `brxy` alone. */
export function generalHelp(commands: readonly CommandHelp[]): string {
  const column = Math.max(...commands.map(({ name }) => name.length))
  const list = commands.map(({ name, summary }) => `  brxy ${name.padEnd(column)}   ${summary}`)
  return `${[
    'Usage: brxy <command> [options]',
    '',
    'Makes any web application serverless: an edge holds requests, instances pull them.',
    '',
    ...list,
    '',
    'Each has --help. First try:  brxy edge -p 8080 -- brxy link -- python3 -m http.server {port}',
    'and then:                    curl localhost:8080',
  ].join('\n')}\n`
}
