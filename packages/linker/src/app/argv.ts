import { AppError } from './errors.ts'

const PLACEHOLDER = '{port}'

/**
 * The command line of the application, with each `{port}` in it replaced by the port it is to listen on.
 *
 * @param argv the command and its arguments, as the operator gave them; left untouched
 * @param port 1 to 65535
 * @returns a new array of the same length
 * @throws AppError `link/app-argv-empty` when there is no command
 */
export function withPort(argv: readonly string[], port: number): string[] {
  if (argv.length === 0 || argv[0] === '') {
    throw new AppError(
      'link/app-argv-empty',
      'no application command: give one after --, or attach to a running application with --to host:port',
    )
  }
  return argv.map((argument) => argument.replaceAll(PLACEHOLDER, String(port)))
}
