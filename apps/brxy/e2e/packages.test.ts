import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  EdgeProcess,
  eventually,
  expectNoLeftovers,
  freePorts,
  Running,
  runToEnd,
  tempDir,
} from '@brxy-tooling/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { brxyToken, nodeApp } from './apps.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))
/** An installation asks a registry, and package managers take their time. */
const SLOW_MS = 120_000

interface Manifest {
  readonly name: string
  readonly private?: boolean
  readonly dependencies?: Readonly<Record<string, string>>
}

const published = ['apps', 'packages']
  .flatMap((folder) => readdirSync(join(ROOT, folder)).map((name) => join(ROOT, folder, name)))
  .map((folder) => ({
    folder,
    manifest: JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest,
  }))
  .filter(({ manifest }) => manifest.private !== true)

let dir: ReturnType<typeof tempDir>
const tarballs = new Map<string, string>()
const projects: (() => void)[] = []

async function run(command: string, args: readonly string[], cwd: string): Promise<string> {
  const { code, stdout, stderr } = await runToEnd(command, args, { cwd, timeoutMs: SLOW_MS })
  expect(code, `${command} ${args.join(' ')}\n${stdout}${stderr}`).toBe(0)
  return stdout
}

beforeAll(async () => {
  dir = tempDir()
  for (const { folder, manifest } of published) {
    const made = await run('pnpm', ['pack', '--json', '--pack-destination', dir.path], folder)
    tarballs.set(manifest.name, (JSON.parse(made.slice(made.indexOf('{'))) as { filename: string }).filename)
  }
}, SLOW_MS)

afterAll(() => {
  for (const remove of projects) remove()
  dir.remove()
})
afterEach(() => expectNoLeftovers())

/** A package of ours and those it needs, directly or not. */
function closure(name: string): string[] {
  const found = new Set([name])
  for (const each of found) {
    const { manifest } = published.find((one) => one.manifest.name === each) as { manifest: Manifest }
    for (const dependency of Object.keys(manifest.dependencies ?? {})) {
      if (tarballs.has(dependency)) found.add(dependency)
    }
  }
  return [...found].sort()
}

/** An empty project with nothing but the package, from tarballs as a registry would have them. */
async function install(name: string): Promise<string> {
  const { path: project, remove } = tempDir()
  projects.push(remove)
  writeFileSync(join(project, 'package.json'), '{ "name": "an-empty-project", "private": true }\n')
  const files = closure(name).map((one) => tarballs.get(one) as string)
  await run('npm', ['install', '--no-audit', '--no-fund', '--prefer-offline', ...files], project)
  return project
}

describe('every tarball', () => {
  it.each(published.map(({ manifest }) => manifest.name))(
    'of %s has what it needs and nothing else',
    async (name) => {
      const list = await run('tar', ['-tzf', tarballs.get(name) as string], dir.path)
      const files = list
        .trimEnd()
        .split('\n')
        .map((file) => file.replace(/^package\//, ''))
      expect(files).toContain('package.json')
      expect(files).toContain('LICENSE')
      expect(files).toContain('README.md')
      expect(files.filter((file) => file.startsWith('dist/')).length).toBeGreaterThan(1)
      const strange = /\.test\.|\.testkit\.|(^|\/)src\/|\.map$|\.tsbuildinfo$|(?<!\.d)\.ts$|(^|\/)\.[^/]+/
      expect(files.filter((file) => strange.test(file))).toEqual([])
      const manifest = await run(
        'tar',
        ['-xzOf', tarballs.get(name) as string, 'package/package.json'],
        dir.path,
      )
      // What only a workspace understands is gone.
      expect(manifest).not.toMatch(/"(workspace|catalog):/)
    },
  )
})

describe('brxy, installed into an empty project', () => {
  it(
    'has a command that runs, and everything of a cold start',
    async () => {
      const project = await install('brxy')
      const bin = join(project, 'node_modules/.bin/brxy')
      expect(await run(bin, ['--version'], project)).toMatch(/^\d+\.\d+\.\d+\S*\n$/)
      const [port, tunnel, admin] = await freePorts(3)
      const addresses = ['-p', `${port}`, '--tunnel', `127.0.0.1:${tunnel}`, '--admin', `127.0.0.1:${admin}`]
      const state = ['--state-dir', join(project, 'state')]
      const edge = new Running(
        bin,
        ['edge', ...addresses, ...state, '--', 'brxy', 'link', '--', ...nodeApp('echo')],
        {
          cwd: project,
        },
      )
      try {
        await edge.prints(/"listening"/)
        const answer = await fetch(`http://localhost:${port}/`)
        expect(await answer.json()).toMatchObject({ env: { ROUTE: 'localhost' } })
        // It is the installed linker that was launched.
        expect(readFileSync(`/proc/${await linkerPid(edge)}/cmdline`, 'utf8')).toContain(project)
      } finally {
        await edge.stop()
      }
    },
    SLOW_MS,
  )
})

describe('@brxy/linker, installed alone', () => {
  it(
    'needs protocol, http1, options and ws only, and serves an application through an edge',
    async () => {
      expect(closure('@brxy/linker')).toEqual([
        '@brxy/http1',
        '@brxy/linker',
        '@brxy/options',
        '@brxy/protocol',
      ])
      const project = await install('@brxy/linker')
      expect(readdirSync(join(project, 'node_modules/@brxy')).sort()).toEqual([
        'http1',
        'linker',
        'options',
        'protocol',
      ])
      const others = readdirSync(join(project, 'node_modules')).filter((name) => !/^[.@]/.test(name))
      expect(others).toEqual(['ws'])
      const bin = join(project, 'node_modules/.bin/brxy-link')
      expect(await run(bin, ['--help'], project)).toContain('--concurrency')
      const edge = await EdgeProcess.start()
      const env = { BRXY_TOKEN: await brxyToken(edge, 'web') }
      const linker = new Running(bin, ['-e', edge.tunnel, '-r', 'web', '--', ...nodeApp('echo')], {
        env,
        cwd: project,
      })
      try {
        await edge.event('ready')
        expect(await edge.ask('/', { host: 'web' })).toMatchObject({ status: 200 })
      } finally {
        await linker.stop()
        await edge.close()
      }
    },
    SLOW_MS,
  )
})

function linkerPid(edge: Running): Promise<number> {
  return eventually('a launch', () =>
    Number(/"pid":(\d+).*"msg":"launch started"/.exec(edge.stdout)?.[1] ?? 0),
  )
}
