import { readFileSync } from 'node:fs'
import { runLink } from './cli.ts'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
}
// Not process.exit(): what was written to a pipe has to leave first. Nothing keeps the process alive by now.
process.exitCode = await runLink(process.argv.slice(2), {
  env: process.env,
  version,
  columns: process.stdout.columns ?? 100,
})
