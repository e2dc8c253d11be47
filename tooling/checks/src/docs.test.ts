import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { describe, expect, it } from 'vitest'
import { anchors, codeBlocks, links, tableRows } from './markdown.ts'
import { filesUnder, type Manifest, publishedPackages, ROOT, read } from './tree.ts'

const pages = filesUnder('.', /\.md$/).filter(
  (path) => !path.startsWith('.changeset/') && !/(^|\/)CHANGELOG\.md$/.test(path),
)
const manifest = JSON.parse(read('package.json')) as Manifest
const cli = read('docs/cli.md')
const keys = keysOf(JSON.parse(read('apps/brxy/brxy.schema.json')))
const sources = publishedPackages().flatMap((each) => each.sources)

describe.each(pages)('%s', (path) => {
  const page = read(path)

  it('links to pages and headings that exist', () => {
    const broken = links(page).filter((link) => {
      if (/^[a-z]+:/.test(link)) return false
      const [file, anchor] = link.split('#')
      const target = file === '' ? path : normalize(join(dirname(path), file))
      if (!existsSync(join(ROOT, target))) return true
      return anchor !== undefined && !anchors(read(target)).includes(anchor)
    })
    expect(broken).toEqual([])
  })

  it('names files and folders that exist', () => {
    const named = [...page.matchAll(/`((?:packages|apps|tooling|docs|examples)\/[^`*\s]*)`/g)]
    expect(named.map(([, name]) => name).filter((name) => !existsSync(join(ROOT, name)))).toEqual([])
  })

  it('names keys of the configuration file that exist', () => {
    const named = [...page.matchAll(KEYS)].map(([, key]) => key)
    const asTable = (key: string) => key.replace(/^apps\.[^.]+/, 'apps.NAME').replaceAll('[]', '')
    const isKnown = (key: string) => keys.some((known) => `.${known}`.endsWith(`.${asTable(key)}`))
    expect(named.filter((key) => !isKnown(key))).toEqual([])
  })

  it('shows commands and flags that exist', () => {
    const wrong = codeBlocks(page)
      .filter(({ language }) => language === 'sh')
      .flatMap(({ text }) => text.split('\n'))
      .flatMap((line) => [...wrongScript(line), ...wrongFlags(line)])
    expect(wrong).toEqual([])
  })
})

describe('README.md', () => {
  it('opens with the two commands: run it, test it', () => {
    const [run, test] = codeBlocks(read('README.md'))
    expect(run).toEqual({ language: 'sh', text: `npx -y ${manifest.packageManager} demo\n` })
    expect(test).toEqual({ language: 'sh', text: `npx -y ${manifest.packageManager} test\n` })
  })
})

describe('docs/cli.md and docs/errors.md', () => {
  it('have the tables that the code gives', () => {
    const { status, stderr } = spawnSync(process.execPath, ['tooling/scripts/docs.mjs', '--check'], {
      cwd: ROOT,
      encoding: 'utf8',
    })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  }, 30_000)
})

describe('docs/cli.md', () => {
  it('has every exit code that the code has, and no other', () => {
    const section = cli.slice(cli.indexOf('\n## Exit codes'), cli.indexOf('\n## Signals'))
    const documented = new Set(tableRows(section).map(([code]) => Number(code)))
    const named =
      /\b(?:CLEAN|BUG|USAGE|UNAVAILABLE|TRY_AGAIN|TOKEN_REFUSED|BAD_CONFIG|NEVER_LISTENED|SIGNAL_BASE)(?: =|:) (\d+)\b/g
    const ofAppErrors = /'link\/[a-z-]+': (\d+)\b/g
    const coded = sources.flatMap(({ text }) => [...text.matchAll(named), ...text.matchAll(ofAppErrors)])
    expect([...documented].sort()).toEqual([...new Set(coded.map(([, code]) => Number(code)))].sort())
  })

  it('names each BRXY_ variable that the code reads or sets, and no other', () => {
    const names = (text: string) => [...text.matchAll(/\bBRXY_[A-Z]+(?:_[A-Z]+)*\b/g)].map(([name]) => name)
    const documented = new Set(names(cli))
    // Read as `['BRXY_X']` or `env.BRXY_X`, set as `BRXY_X: `. What http1 calls so are header fields.
    const coded = sources
      .filter(({ path }) => !path.startsWith('packages/http1/'))
      .flatMap(
        ({ text }) =>
          text.match(/(?<=\['|")BRXY_[A-Z_]+(?='\]|")|(?<=\s)BRXY_[A-Z_]+(?=: )|(?<=\benv\.)BRXY_[A-Z_]+/g) ??
          [],
      )
    const tables = new Set(tableRows(cli).flatMap((row) => row.flatMap(names)))
    const ofTables = (name: string) => tables.has(name) || tables.has(name.replace(/_FILE$/, ''))
    expect(coded.filter((name) => !documented.has(name))).toEqual([])
    expect([...documented].filter((name) => !ofTables(name) && !coded.includes(name))).toEqual([])
  })
})

/** What a page calls a key of brxy.yaml, if it names its section, too. */
const KEYS =
  /`((?:limits|timeouts|tunnel|admin|defaults|waiting|queue|backoff|listen|scalers|apps)(?:\[\])?\.[A-Za-z.[\]]+)`/g

interface Schema {
  readonly properties?: Readonly<Record<string, Schema>>
  readonly patternProperties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
}

/** All keys of a schema, with their sections: `apps.NAME.hold`. Lists are their elements. */
function keysOf(schema: Schema, at = ''): string[] {
  const { properties = {}, patternProperties = {}, items, anyOf = [] } = schema
  const named: [string, Schema][] = [
    ...Object.entries(properties),
    ...Object.values(patternProperties).map((each): [string, Schema] => ['NAME', each]),
  ]
  return [
    ...named.flatMap(([name, each]) => [`${at}${name}`, ...keysOf(each, `${at}${name}.`)]),
    ...[...anyOf, ...(items === undefined ? [] : [items])].flatMap((each) => keysOf(each, at)),
  ]
}

/** A script of the root package.json, or what pnpm itself does, that a line wants and does not get. */
function wrongScript(line: string): string[] {
  const match = /^(?:npx -y (pnpm@\S+)|pnpm) (?:run )?(\S+)/.exec(line)
  if (match === null) return []
  const [, version, script] = match
  const exists = manifest.scripts?.[script] !== undefined
  return exists && (version === undefined || version === manifest.packageManager) ? [] : [line]
}

/** Flags of a `brxy` command that docs/cli.md does not have. */
function wrongFlags(line: string): string[] {
  const commands = [...line.matchAll(/\bbrxy[ -](\w+)((?: (?!-- )[^ )]+)*)/g)]
  return commands.flatMap(([, command, words]) => {
    const from = cli.indexOf(`<!-- begin ${command} options -->`)
    if (from < 0) return [`there is no command ${command}: ${line}`]
    const table = cli.slice(from, cli.indexOf(`<!-- end ${command} options -->`))
    const known = new Set(['--help', ...(table.match(/(?<=`)--?[a-z][a-z-]*/g) ?? [])])
    const used = words.split(' ').filter((word) => /^--?[a-z]/.test(word))
    return used.filter((flag) => !known.has(flag)).map((flag) => `${flag} of brxy ${command}: ${line}`)
  })
}
