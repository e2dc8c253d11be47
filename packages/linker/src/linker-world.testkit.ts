import { afterAll, afterEach, beforeAll, beforeEach, expect } from 'vitest'
import { CompiledLinker, type LinkerProcess } from './linker-process.testkit.ts'
import { TestEdge } from './tunnel/edge.testkit.ts'

/** What the tests of one file have. */
export interface LinkerWorld {
  /** New for each test, which may put another one in its place. */
  edge: TestEdge
  /** The package as it would be published: one for the file. */
  readonly compiled: CompiledLinker
  /** Runs a linker of the route `shop` that dials the edge. */
  link(args: readonly string[], env?: Readonly<Record<string, string>>): LinkerProcess
}

/** To be called once in a test file. Each test fails that leaves a process behind, or in which the edge met a bug. */
export function linkerWorld(): LinkerWorld {
  let compiled: CompiledLinker
  let edge: TestEdge
  beforeAll(() => {
    compiled = new CompiledLinker()
  })
  afterAll(() => compiled.remove())
  beforeEach(async () => {
    edge = await TestEdge.start()
  })
  afterEach(async () => {
    await compiled.end()
    await edge.close()
    expect(edge.bugs).toEqual([])
  })
  return {
    get edge() {
      return edge
    },
    set edge(another) {
      edge = another
    },
    get compiled() {
      return compiled
    },
    link: (args, env = {}) => compiled.run(['-e', edge.address, '-r', 'shop', ...args], env),
  }
}
