import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { EdgeProcess, expectNoLeftovers } from '@brxy-tooling/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { nodeApp } from './apps.ts'
import { ConfigFile } from './config-file.ts'

let file: ConfigFile

beforeEach(() => {
  file = new ConfigFile()
})

afterEach(async () => {
  file.remove()
  await expectNoLeftovers()
})

/** The lines of a table as cells, by the first. */
function cells(table: string): Map<string, string[]> {
  const rows = table.split('\n').map((line) => line.split(/ {2,}/))
  return new Map(rows.map(([first, ...rest]) => [first, rest]))
}

describe('brxy init', () => {
  it('writes a file that check accepts and an edge serves from', async () => {
    const init = await file.run(['init', '--', ...nodeApp('echo', { written: 'by-init' })])
    expect(init).toMatchObject({ code: 0, stderr: '' })
    expect(init.stdout).toContain('brxy edge -f brxy.yaml')
    expect(await file.run(['check'])).toMatchObject({ code: 0, stderr: '' })
    const quiet = ['--tunnel', '127.0.0.1:0', '--admin', '127.0.0.1:0', '--on-exit', 'stop']
    const flags = ['-p', '127.0.0.1:0', ...quiet, '--state-dir', join(file.directory, 'state')]
    const edge = await EdgeProcess.start({ file: file.path, flags })
    try {
      const { argv, env } = (await edge.ask('/', { host: 'any.test' })).json()
      expect({ argv, route: env.ROUTE }).toEqual({ argv: ['written=by-init'], route: 'web' })
    } finally {
      await edge.close()
    }
  })

  it('shows in its comments what check accepts as well', async () => {
    await file.run(['init', '--', 'node', 'server.js'])
    const text = readFileSync(file.path, 'utf8')
    // Comments that are keys or elements of lists, not sentences.
    const key = /^( +)# ( *)((?:- \{|(?:hosts|min|keepWarm|passive|api|paths|scaler):).*)$/gm
    const shown = text.replace(key, '$1$2$3')
    expect(shown.split('\n').filter((line, at) => line !== text.split('\n')[at]).length).toBe(9)
    file.write(shown)
    const { code, stderr } = await file.run(['check'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  })

  it('leaves a file that exists as it is, with exit code 2, unless --force is given', async () => {
    file.write('# mine\n')
    const refused = await file.run(['init'])
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toMatch(/^brxy init: brxy\.yaml: exists already; --force replaces it\n/)
    expect(readFileSync(file.path, 'utf8')).toBe('# mine\n')
    expect(await file.run(['init', '--force'])).toMatchObject({ code: 0, stderr: '' })
    expect(readFileSync(file.path, 'utf8')).toContain('version: 1')
  })
})

describe('brxy check', () => {
  const SOURCES = `version: 1
admin:
  token: { env: ADMIN_TOKEN }
secret: \${SECRET:-none}
defaults:
  hold: 20s
  max: 4
apps:
  shop:
    hosts: [shop.test]
    max: 40
    slots: \${SLOTS}
    scaler: { shell: { command: [brxy, link, --, sh] } }
`
  const ENV = {
    ADMIN_TOKEN: 'swordfish-of-the-operator',
    SECRET: 'a secret that is long enough for a signature',
    SLOTS: '3',
    BRXY_PATIENCE: '200ms',
  }
  /** Value and source of each. */
  const EXPECTED: readonly (readonly [string, string, string])[] = [
    ['listen[0].bind', ':8080', 'default'],
    ['admin.token', '(secret)', 'brxy.yaml:3'],
    ['secret', '(secret)', 'brxy.yaml:4'],
    ['defaults.hold', '20s', 'brxy.yaml:6'],
    ['defaults.patience', '200ms', 'BRXY_PATIENCE'],
    ['apps.shop.hosts', 'shop.test', 'brxy.yaml:10'],
    ['apps.shop.max', '40', 'brxy.yaml:11'],
    ['apps.shop.slots', `\${SLOTS}`, 'brxy.yaml:12'],
    ['apps.shop.hold', '20s', 'defaults'],
    ['apps.shop.patience', '200ms', 'defaults'],
    ['apps.shop.min', '0', 'default'],
    ['apps.shop.scaler.shell.command', 'brxy,link,--,sh', 'brxy.yaml:13'],
    ['apps.shop.scaler.shell.killAfter', '45s', 'default'],
  ]

  it('shows each option and its line, variable or default, and no secret, as a table', async () => {
    file.write(SOURCES)
    const { code, stdout, stderr } = await file.run(['check'], ENV)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const rows = cells(stdout)
    const header = rows.get('OPTION') as string[]
    for (const [option, value, source] of EXPECTED) {
      const row = rows.get(option)
      expect([row?.[header.indexOf('VALUE')], row?.[header.indexOf('FROM')]], option).toEqual([value, source])
    }
    expect(stdout).toContain('brxy.yaml is good: 1 app, 1 route.\n')
    for (const secret of [ENV.ADMIN_TOKEN, ENV.SECRET]) expect(stdout).not.toContain(secret)
  })

  it('--json shows the same to programs', async () => {
    file.write(SOURCES)
    const { code, stdout } = await file.run(['check', '--json'], ENV)
    const { ok, options, warnings } = JSON.parse(stdout)
    expect({ code, ok, warnings }).toEqual({ code: 0, ok: true, warnings: [] })
    for (const [path, text, source] of EXPECTED)
      expect(options, path).toContainEqual(expect.objectContaining({ path, text, source }))
    for (const secret of [ENV.ADMIN_TOKEN, ENV.SECRET]) expect(stdout).not.toContain(secret)
  })

  it.each([
    [['check', 'other.yaml'], {}],
    [['check', '-f', 'other.yaml'], {}],
    [['check', '--file=other.yaml'], {}],
    [['check'], { BRXY_FILE: 'other.yaml' }],
  ])('%j with %j checks another file than brxy.yaml', async (words, env) => {
    file.beside('other.yaml', 'version: 1\napps: {}\n')
    const { code, stdout, stderr } = await file.run(words, env as Record<string, string>)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout).toContain('\nother.yaml is good: 0 apps')
  })

  it('warns of a secret that stands in the file itself, without repeating it', async () => {
    file.write('version: 1\nadmin:\n  token: swordfish-of-the-operator\napps: {}\n')
    const { code, stdout, stderr } = await file.run(['check'])
    expect(code).toBe(0)
    expect(stderr).toMatch(
      /^brxy\.yaml:3:10: warning: admin\.token: the secret stands in the file itself; \{ file: PATH/,
    )
    expect(stdout).toContain('is good, with 1 warning: 0 apps, 0 routes.')
    expect(stdout + stderr).not.toContain('swordfish')
  })

  it('warns of reports to another edge that are not signed with a secret of both', async () => {
    const to = 'version: 1\nreportTo: ws://edge1:9080\napps: {}\n'
    file.write(to)
    expect((await file.run(['check'])).stderr).toMatch(
      /^brxy\.yaml:2:11: warning: reportTo: the other edge refuses reports that are signed with another secret/,
    )
    file.beside('key', 'what both edges sign with, which is long enough')
    file.write(`${to}secret: { file: key }\n`)
    expect((await file.run(['check'])).stderr).toBe('')
  })

  it('warns of programs that are not there, which may be elsewhere where the edge runs', async () => {
    file.beside('start', 'not executable')
    file.write(MISSING)
    const { code, stdout, stderr } = await file.run(['check'])
    expect(code).toBe(0)
    expect(stdout).toContain('is good, with 3 warnings: 6 apps, 6 routes.')
    const command = (app: string, at: number) => `apps.${app}.scaler.shell.command[${at}]`
    expect(stderr).toBe(`\
brxy.yaml:3:56: warning: ${command('one', 0)}: "brxi" is not found on PATH; install it, or give its path
brxy.yaml:4:72: warning: ${command('two', 3)}: "nodde" is not found on PATH; install it, or give its path
brxy.yaml:5:58: warning: ${command('three', 0)}: "./start" is not executable; chmod +x it, or name its interpreter
`)
    const { ok, warnings } = JSON.parse((await file.run(['check', '--json'])).stdout)
    expect({ ok, warnings }).toMatchObject({ ok: true, warnings: [{ line: 3 }, { line: 4 }, { line: 5 }] })
  })

  it.each([
    ['SHOP.test:8443/x?y', 0, 'app shop (apps.shop: host shop.test, every path)'],
    ['shop.test/api/v1', 0, 'app api (apps.api: host shop.test, path /api, which is taken off)'],
    [
      'http://pr-7.preview.test/',
      0,
      'app pr-7.preview.test (apps.previews: host *.preview.test, every path)',
    ],
    ['preview.test', 69, 'no app, answered 404'],
  ])('--route %s exits %i and says who gets it', async (address, exitCode, text) => {
    file.write(ROUTES)
    const { code, stdout } = await file.run(['check', '--route', address])
    expect({ code, stdout }).toEqual({ code: exitCode, stdout: `${address}: ${text}\n` })
  })

  it('--route --json says the same to programs', async () => {
    file.write(ROUTES)
    const ask = (address: string) => file.run(['check', '--json', '--route', address])
    expect(JSON.parse((await ask('pr-7.preview.test')).stdout)).toEqual({
      app: 'pr-7.preview.test',
      configured: 'previews',
      host: '*.preview.test',
      prefix: '',
      strip: false,
      priorityMs: 0,
    })
    expect(await ask('preview.test')).toMatchObject({ code: 69, stdout: 'null\n' })
  })
})

const ROUTES = `version: 1
apps:
  shop: { hosts: [shop.test] }
  api: { hosts: [shop.test], paths: [{ prefix: /api, strip: true }] }
  previews: { hosts: ["*.preview.test"], perHost: true }
`

const MISSING = `version: 1
apps:
  one: { hosts: [a.test], scaler: { shell: { command: [brxi, link, --, node, server.js] } } }
  two: { hosts: [b.test], scaler: { shell: { command: [brxy, link, --, nodde, server.js] } } }
  three: { hosts: [c.test], scaler: { shell: { command: [./start] } } }
  four: { hosts: [d.test], scaler: { shell: { command: [sh, -c, brxi], env: { PATH: /bin } } } }
  five: { hosts: [e.test], scaler: { shell: { command: ["{ brxi", "; }"], shell: true } } }
  six: { hosts: [f.test], scaler: { shell: { command: [brxy, link, --to, "127.0.0.1:3000"] } } }
`

/** A file in which a comment says of each wrong line what should be said about it. */
const MISTAKES = {
  'its values': `version: 1
listen: [nowhere]                             # 10: listen[0].bind: "nowhere" is no address; expected PORT
limits: { held: 0 }                           # 17: limits.held: 0 is below the minimum; give at least 1
defaults: { hold: 50 }                        # 19: defaults.hold: "50" has no unit; write 50s or 50ms
apps:
  shop:
    host: [shop.test]                         # 5: apps.shop.host: there is no such option; did you mean hosts?
    hosts: [a.test]
    max: ten                                  # 10: apps.shop.max: "ten" is not a whole number
    errorPages: ./nope                        # 17: apps.shop.errorPages: 
    passive: [{}]                             # 15: apps.shop.passive[0]: matches every request; say \`path\`
    keepWarm:
      - { cron: 0 25 * * *, for: 1h }         # 17: apps.shop.keepWarm[0].cron: cannot read the keep-warm cron
      - { cron: 0 5 * * *, for: 1h, tz: Europe/Berln }  # 41: apps.shop.keepWarm[1].tz
    scaler:
      shell:
        comand: [x]                           # 9: apps.shop.scaler.shell.comand: there is no such option; did you mean command?
  blog:
    hosts: [b.test, A.test]                   # 21: apps.blog.hosts[1]: "shop" and "blog" both claim
    scaler: { shel: { command: [x] } }        # 21: apps.blog.scaler.shel: there is no scaler "shel"
  wiki:
    hosts: [c.test]
    scaler: { shell: { command: [x], killAfter: 3 } }  # 49: apps.wiki.scaler.shell.killAfter: "3" has no unit; write 3s
  news:
    hosts: [d.test]
    scaler: { shell: {}, docker: {} }         # 13: apps.news.scaler: must be one SCALER
`,
  'its texts': `version: 1
apps:
  shop:
    hosts:
      - *.shop.test                           # 9: apps.shop.hosts[0]: "*.shop.test" must be quoted
      - \${NO_HOST}                            # 9: apps.shop.hosts[1]: the variable NO_HOST is not set; write
    max: 1
    max: 2                                    # 5: apps.shop.max: the key "max" stands twice, in lines 7 and 8
    min: \${NO_MIN:?how many?}                 # 10: apps.shop.min: the variable NO_MIN is not set: how many?
`,
  'what follows from another one, once': `version: 1
listen: [8080]                                # 10: listen[0]: 8080 must be a string; quote it
apps:
  shop: {}
  api:
    path: [/api]                              # 5: apps.api.path: there is no such option; did you mean paths?
`,
  'its version': `version: 2                                   # 10: version: must be 1
apps: {}
`,
  'no version': `apps: {}                                      # 1: version: is required; begin the file with version: 1
listen: [nowhere]                             # 10: listen[0].bind: "nowhere" is no address; expected PORT
`,
  'a tab': `version: 1
apps:
\tshop: {}                                    # 1: a tab must not be used for indentation; use spaces
`,
}

describe('a mistake in brxy.yaml', () => {
  it.each(Object.entries(MISTAKES))(
    'in %s: exit code 78, and a line with its place and the remedy',
    async (_, text) => {
      file.write(text)
      const { code, stdout, stderr } = await file.run(['check'])
      expect({ code, stdout }, stderr).toEqual({ code: 78, stdout: '' })
      const expected = text.split('\n').flatMap((line, at) => {
        const comment = / # (\d+: .*)/.exec(line)
        return comment === null ? [] : [`brxy.yaml:${at + 1}:${comment[1]}`]
      })
      const lines = stderr.trimEnd().split('\n')
      expect(lines.map((line, at) => line.slice(0, expected[at]?.length))).toEqual(expected)
    },
  )

  it('has `edge -f` end with exit code 78 before it opens or makes anything', async () => {
    file.write('version: 1\nstateDir: state\napps: {}\ndefaults: { hold: 50 }\n')
    const { code, stdout, stderr } = await file.run(['edge', '-f', 'brxy.yaml'])
    expect({ code, stdout }).toEqual({ code: 78, stdout: '' })
    expect(stderr).toMatch(/^brxy\.yaml:4:19: defaults\.hold: /)
    expect(existsSync(join(file.directory, 'state'))).toBe(false)
  })

  it('that there is no such file is said, and what to do', async () => {
    for (const words of [['check'], ['edge', '-f', 'brxy.yaml']]) {
      const { code, stderr } = await file.run(words)
      expect({ code, stderr }).toEqual({
        code: 78,
        stderr: 'brxy.yaml: there is no such file; `brxy init` writes one\n',
      })
    }
  })
})

describe('brxy edge -f', () => {
  it.each([
    [['--', 'brxy', 'link'], /^brxy edge: --: a command cannot be given beside a file; write it as apps\./],
    [
      ['--host', 'a.test'],
      /^brxy edge: --host: cannot be given beside a file; write it as apps\.NAME\.hosts/,
    ],
  ])('is not combined with %j: exit code 2', async (words, message) => {
    file.set({})
    const { code, stdout, stderr } = await file.run(['edge', '-f', 'brxy.yaml', ...words])
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
    expect(stderr).toMatch(message)
  })

  it('is what --watch needs: exit code 2 without', async () => {
    const { code, stderr } = await file.run(['edge', '--watch'])
    expect(code).toBe(2)
    expect(stderr).toMatch(/^brxy edge: --watch: needs a file to watch: give -f FILE/)
  })
})
