import { describe, expect, it } from 'vitest'
import { wrongDependencies, wrongWay } from './direction.ts'
import { impurities, isMachine, MACHINES } from './sans-io.ts'
import { publishedPackages } from './tree.ts'

const packages = publishedPackages()
const sources = packages.flatMap((each) => each.sources)

describe('the packages', () => {
  it('import only what stands below them', () => {
    expect(
      packages.flatMap(({ folder, manifest, sources }) =>
        sources.flatMap((file) => wrongWay(manifest.name, file, folder)),
      ),
    ).toEqual([])
  })

  it('depend on exactly what they import', () => {
    expect(packages.flatMap(wrongDependencies)).toEqual([])
  })
})

describe('the state machines', () => {
  it('know no socket, timer, clock, process, promise or randomness', () => {
    expect(sources.filter(({ path }) => isMachine(path)).flatMap(impurities)).toEqual([])
  })

  it('are where the rule looks for them', () => {
    for (const pattern of MACHINES)
      expect(
        sources.some(({ path }) => pattern.test(path)),
        `${pattern}`,
      ).toBe(true)
  })
})

describe('the rule of directions', () => {
  const file = (text: string, path = 'packages/edge/src/a/b.ts') => ({ path, text })

  it.each([
    ['@brxy/edge', "import { Linker } from '@brxy/linker'"],
    ['@brxy/linker', "import type { Edge } from '@brxy/edge'"],
    ['@brxy/scaler-shell', "import { assert } from '@brxy/protocol'"],
    ['@brxy/protocol', "import { defineOptions } from '@brxy/options'"],
    ['@brxy/edge', "await import('brxy')"],
    ['brxy', "import { tempDir } from '@brxy-tooling/testkit'"],
  ])('finds that %s has %s', (importer, text) => {
    expect(wrongWay(importer, file(text), 'packages/edge')).toHaveLength(1)
  })

  it.each(["import '../../../linker/src/x.ts'", "import '../b.testkit.ts'"])('finds %s', (text) => {
    expect(wrongWay('@brxy/edge', file(text), 'packages/edge')).toHaveLength(1)
  })

  it('finds a dependency that is missing, one that is not used, and one for development', () => {
    const manifest = {
      name: '@brxy/edge',
      dependencies: { jose: '1', ws: '1' },
      devDependencies: { vitest: '1' },
    }
    const found = wrongDependencies({ manifest, sources: [file("import 'ws'\nimport 'vitest'")] })
    expect(found).toEqual([
      'packages/edge/src/a/b.ts: vitest is no dependency of @brxy/edge',
      '@brxy/edge depends on jose and never imports it',
    ])
  })
})

describe('the rule of state machines', () => {
  const path = 'packages/linker/src/life/life.ts'

  it.each([
    'const now = Date.now()',
    'const now = new Date()',
    'performance.now()',
    'setTimeout(f, 1)',
    'process.nextTick(f)',
    'if (process.pid) f()',
    'async function f() {}',
    'return new Promise(f)',
    'const pause = Math.random() * 2',
    'console.log(1)',
    "import { Socket } from 'node:net'",
    "import { TimerWheel } from '@brxy/protocol/transport'",
    "import { EdgeLink } from '../tunnel/edge-link.ts'",
    "import { randomBytes } from 'node:crypto'",
    'f(`{`, Date.now())',
  ])('finds %s', (text) => {
    expect(impurities({ path, text }).length).toBeGreaterThan(0)
  })

  it.each([
    '// Date.now() is not called',
    "const word = 'process'",
    'const { nowMs } = input; f({ process: 1 }); a.process()',
    "import type { Socket } from 'node:net'",
    "import { assert } from '@brxy/protocol'",
    "import { Members } from './members.ts'",
    'constructor(random: () => number) { this.random = random }',
  ])('lets %s pass', (text) => {
    expect(impurities({ path, text })).toEqual([])
  })
})
