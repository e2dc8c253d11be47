// `pnpm run docs`: writes the parts of docs/*.md that the code owns, between `<!-- begin NAME -->` and `<!-- end NAME -->`.
// `--check` writes nothing and says which pages are stale (tooling/checks/src/docs.test.ts runs it).
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build, root } from './run.mjs'

const isCheck = process.argv.includes('--check')
// A check runs inside the tests, which `pnpm test` builds for.
if (!isCheck && (await build()) !== 0) process.exit(1)

const { markdownTable } = await dist('packages/options/dist/index.js')
const { EDGE_FLAGS } = await dist('apps/brxy/dist/commands/edge.js')
const { TOKEN_FLAGS } = await dist('apps/brxy/dist/commands/token.js')
const { STATUS_FLAGS } = await dist('apps/brxy/dist/commands/status.js')
const { EXIT, exitCodeOf } = await dist('apps/brxy/dist/exit-code.js')
const { LINKER_OPTIONS, LINKER_ERRORS } = await dist('packages/linker/dist/index.js')
const { AppError } = await dist('packages/linker/dist/app/errors.js')
const { CLIENT_ERRORS, EDGE_ERRORS } = await dist('packages/edge/dist/index.js')
const { HTTP1_ERRORS } = await dist('packages/http1/dist/index.js')
const { PROTOCOL_ERRORS } = await dist('packages/protocol/dist/index.js')

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
  const before = readFileSync(join(root, path), 'utf8')
  const after = Object.entries(parts).reduce(
    (page, [name, text]) => replacePart(path, page, name, text),
    before,
  )
  if (after === before) continue
  if (isCheck) {
    stale++
    process.stderr.write(`${path} is stale; run: pnpm run docs\n`)
  } else {
    writeFileSync(join(root, path), after)
    process.stdout.write(`wrote ${path}\n`)
  }
}
process.exitCode = stale > 0 ? 1 : 0

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

/** The options of a command; the first column is the key in a config file, which no command reads yet. */
function optionsTable(options) {
  return markdownTable(options).replace(/^\|[^|]*(?=\|)/gm, '')
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
