import { readFileSync } from 'node:fs'

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string
}
const environment = { env: process.env, version, columns: process.stdout.columns ?? 100 }

// `brxy link` is on the way of every cold start: it goes past yargs and everything else.
if (process.argv[2] === 'link') {
  const { runLink } = await import('@brxy/linker/cli')
  process.exitCode = await runLink(process.argv.slice(3), environment)
} else {
  const { runCli } = await import('./cli.ts')
  process.exitCode = await runCli(process.argv.slice(2), environment)
}
