import { readFileSync } from 'node:fs'
import { runCli } from './cli.ts'

// Every command but `link`, which bin/brxy hands to the linker's own bundle.
const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
}
process.exitCode = await runCli(process.argv.slice(2), {
  env: process.env,
  version,
  columns: process.stdout.columns ?? 100,
})
