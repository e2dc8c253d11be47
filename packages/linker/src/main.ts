import type { runLink } from './cli.ts'
import { CodeCache, cacheFolder } from './code-cache.ts'

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
  // As CommonJS has them: `import.meta.url` and createRequire() would be loaded.
  const code = new CodeCache(__dirname, require, cacheFolder(process.env))
  const start = code.load('bundle-start.cjs') as { runLink: typeof runLink }
  void start.runLink(words, environment).then((status) => {
    // Not process.exit(): what was written to a pipe has to leave first. Nothing keeps the process alive by now.
    process.exitCode = status
    // A run that has only shown its help has made little of it.
    if (code.isLoaded('bundle-linker.cjs')) code.save()
  })
}
