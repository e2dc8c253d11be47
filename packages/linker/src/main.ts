import { runLink } from './cli.ts'

/**
 * The command, bundled as CommonJS for the bins of this package and of `brxy`.
 * @param words what follows the command's name
 * @param version called when somebody wants to know
 */
export function run(words: readonly string[], version: () => string): void {
  const environment = {
    env: process.env,
    get version() {
      return version()
    },
    get columns() {
      return process.stdout.columns ?? 100
    },
  }
  void runLink(words, environment).then((code) => {
    // Not process.exit(): what was written to a pipe has to leave first. Nothing keeps the process alive by now.
    process.exitCode = code
  })
}
