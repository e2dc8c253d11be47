// `pnpm run docs`: writes the parts of docs/*.md that the code owns, between `<!-- begin NAME -->` and `<!-- end NAME -->`,
// and the JSON schema of brxy.yaml. `--check` writes nothing and says what is stale (tooling/checks/src/docs.test.ts runs it).
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build, root } from './run.mjs'

const isCheck = process.argv.includes('--check')
// A check runs inside the tests, which `pnpm test` builds for.
if (!isCheck && (await build()) !== 0) process.exit(1)

const { markdownTable, referenceSections } = await dist('packages/options/dist/describe.js')
const { EDGE_FLAGS, FILE_OPTIONS } = await dist('apps/brxy/dist/config/tables.js')
const { configSchema } = await dist('apps/brxy/dist/config/schema.js')
const { INIT_FLAGS } = await dist('apps/brxy/dist/commands/init.js')
const { CHECK_FLAGS } = await dist('apps/brxy/dist/commands/check.js')
const { RELOAD_FLAGS } = await dist('apps/brxy/dist/commands/reload.js')
const { TOKEN_FLAGS } = await dist('apps/brxy/dist/commands/token.js')
const { STATUS_FLAGS } = await dist('apps/brxy/dist/commands/status.js')
const { EXIT, exitCodeOf } = await dist('apps/brxy/dist/exit-code.js')
const { LINKER_OPTIONS, LINKER_ERRORS } = await dist('packages/linker/dist/index.js')
const { AppError } = await dist('packages/linker/dist/app/errors.js')
const { CLIENT_ERRORS, EDGE_ERRORS } = await dist('packages/edge/dist/index.js')
const { PROBLEM_TEXTS } = await dist('packages/edge/dist/forward/error-response.js')
const { PROBLEM_DOCS } = await dist('packages/scaler/dist/problem.js')
const { HTTP1_ERRORS } = await dist('packages/http1/dist/index.js')
const { PROTOCOL_ERRORS } = await dist('packages/protocol/dist/index.js')
const docker = await dist('packages/scaler-docker/dist/index.js')
const kubectl = await dist('packages/scaler-kubectl/dist/index.js')
const nomad = await dist('packages/scaler-nomad/dist/index.js')
const { APP_OPTIONS, SHELL_OPTIONS } = await dist('packages/scaler-shell/dist/index.js')

/** What `brxy link` exits with because of an error that is no AppError (packages/linker/src/cli.ts, life/life.ts). */
const LINK_EXIT = {
  'link/bad-edge': EXIT.USAGE,
  'link/no-route': EXIT.USAGE,
  'link/no-command': EXIT.USAGE,
  'link/two-applications': EXIT.USAGE,
  'link/bad-target': EXIT.USAGE,
  'link/bad-token': EXIT.TOKEN_REFUSED,
  'link/unreachable': `${EXIT.UNAVAILABLE} after \`--lost\``,
}

const PAGES = {
  'docs/cli.md': {
    'edge options': optionsTable(EDGE_FLAGS),
    'link options': optionsTable(LINKER_OPTIONS),
    'token options': optionsTable(TOKEN_FLAGS),
    'status options': optionsTable(STATUS_FLAGS),
    'schema options': '',
    'init options': optionsTable(INIT_FLAGS),
    'check options': optionsTable(CHECK_FLAGS),
    'reload options': optionsTable(RELOAD_FLAGS),
  },
  'docs/config.md': {
    reference: `${reference()}\n`,
  },
  'docs/scalers.md': {
    'shell app options': fileOnlyTable(APP_OPTIONS),
    'shell options': fileOnlyTable(SHELL_OPTIONS),
    'docker app options': fileOnlyTable(docker.APP_OPTIONS),
    'docker options': fileOnlyTable(docker.DOCKER_OPTIONS),
    'kubectl app options': fileOnlyTable(kubectl.APP_OPTIONS),
    'kubectl options': fileOnlyTable(kubectl.KUBECTL_OPTIONS),
    'nomad app options': fileOnlyTable(nomad.APP_OPTIONS),
    'nomad options': fileOnlyTable(nomad.NOMAD_OPTIONS),
    problems: table(
      ['class', 'what it means', 'fails the launch at once', 'clients read'],
      Object.entries(PROBLEM_TEXTS).map(([code, text]) => [`\`${code}\``, ...PROBLEM_DOCS[code], text]),
    ),
  },
  'docs/errors.md': {
    'client errors': table(
      ['code', 'status', 'Proxy-Status error', 'the client reads', 'cause and remedy'],
      Object.entries(CLIENT_ERRORS).map(([code, { status, proxyError, title, doc }]) => [
        ...[`\`${code}\``, `${status}`, `\`${proxyError}\``, title, doc],
      ]),
    ),
    'http1 errors': table(
      ['code', 'status', 'what is required'],
      Object.entries(HTTP1_ERRORS).map(([code, { status, doc }]) => [`\`${code}\``, `${status}`, doc]),
    ),
    'edge errors': table(
      ['code', 'exit code', 'cause and remedy'],
      Object.entries(EDGE_ERRORS).map(([code, doc]) => [`\`${code}\``, edgeExit(code), doc]),
    ),
    'linker errors': table(
      ['code', 'exit code', 'cause and remedy'],
      Object.entries(LINKER_ERRORS).map(([code, doc]) => [`\`${code}\``, linkExit(code), doc]),
    ),
    'protocol errors': table(
      ['code', 'cause and remedy'],
      Object.entries(PROTOCOL_ERRORS).map(([code, doc]) => [`\`${code}\``, doc]),
    ),
  },
}

let stale = 0
for (const [path, parts] of Object.entries(PAGES)) {
  const page = Object.entries(parts).reduce(
    (text, [name, part]) => replacePart(path, text, name, part),
    readFileSync(join(root, path), 'utf8'),
  )
  put(path, page)
}
put('apps/brxy/brxy.schema.json', `${JSON.stringify(configSchema(), null, 2)}\n`)
process.exitCode = stale > 0 ? 1 : 0

/** Writes a file that is different, or says that it is. */
function put(path, text) {
  const file = join(root, path)
  if (existsSync(file) && readFileSync(file, 'utf8') === text) return
  if (isCheck) {
    stale++
    process.stderr.write(`${path} is stale; run: pnpm run docs\n`)
  } else {
    writeFileSync(file, text)
    process.stdout.write(`wrote ${path}\n`)
  }
}

function dist(path) {
  return import(new URL(`../../${path}`, import.meta.url).href)
}

function replacePart(path, page, name, text) {
  const begin = `<!-- begin ${name} -->\n`
  const end = `<!-- end ${name} -->`
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from < 0 || to < from)
    throw new Error(`${path} lacks "${begin.trim()}" and "${end}" around the generated part`)
  return `${page.slice(0, from + begin.length)}${text}${page.slice(to)}`
}

/** The options of a command, without the first column: docs/config.md has the keys of the file. */
function optionsTable(options) {
  return markdownTable(options).replace(/^\|[^|]*(?=\|)/gm, '')
}

/** Every key of brxy.yaml. The version of its format is the one that the environment cannot give. */
function reference() {
  return referenceSections(FILE_OPTIONS, 'Reference').replace(' `BRXY_VERSION` ', '  ')
}

/** Options that only the file has: its reference without a heading and without flags and variables. */
function fileOnlyTable(options) {
  const lines = referenceSections(options, 'x').split('\n').slice(2)
  return lines.map((line) => line.replace(/^(\|[^|]*\|[^|]*\|[^|]*\|)[^|]*\|[^|]*\|/, '$1')).join('\n')
}

function table(heads, rows) {
  const line = (cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`
  return `${line(heads)}|${'---|'.repeat(heads.length)}\n${rows.map(line).join('')}`
}

/** Codes of the edge's own start end `brxy edge`; the others are told to a linker, which ends if they are final. */
function edgeExit(code) {
  const exit = exitCodeOf(code)
  if (exit !== EXIT.BUG) return `${exit}`
  return code.startsWith('token/') ? `${EXIT.TOKEN_REFUSED} (linker)` : ''
}

function linkExit(code) {
  if (LINK_EXIT[code] !== undefined) return `${LINK_EXIT[code]}`
  return code.startsWith('link/app-') || code === 'link/no-free-port'
    ? `${new AppError(code, '').exitStatus}`
    : ''
}
