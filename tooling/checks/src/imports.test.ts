import { describe, expect, it } from 'vitest'
import { importsOf, packageOf } from './imports.ts'

describe('importsOf', () => {
  it.each([
    ["import a from 'x'", [['x', false]]],
    ["import 'x'", [['x', false]]],
    ["import * as a from 'x'", [['x', false]]],
    ["import {\n  a,\n  type B,\n} from 'x'", [['x', false]]],
    ["import type { A } from 'x'", [['x', true]]],
    ["import { type A, type B } from 'x'", [['x', true]]],
    ["export { a } from './x.ts'", [['./x.ts', false]]],
    ["export type { A } from './x.ts'", [['./x.ts', true]]],
    ["export * from './x.ts'", [['./x.ts', false]]],
    ["const a = await import('x')", [['x', false]]],
    [
      "import a from 'x'\nimport b from 'y'",
      [
        ['x', false],
        ['y', false],
      ],
    ],
    ["// import a from 'x'", []],
    ["export const a = 'x'", []],
    ["export type A = 'x' | 'y'", []],
    ["export interface A {\n  readonly kind: 'x'\n}", []],
    ["export function a() {\n  return 'x'\n}", []],
  ] as [string, [string, boolean][]][])('finds what %j imports', (text, expected) => {
    expect(importsOf(text)).toEqual(expected.map(([specifier, isType]) => ({ specifier, isType })))
  })
})

describe('packageOf', () => {
  it('names the package, whatever part of it is imported', () => {
    expect(packageOf('@brxy/protocol/transport')).toBe('@brxy/protocol')
    expect(packageOf('ws')).toBe('ws')
    expect(packageOf('node:net')).toBeNull()
    expect(packageOf('./a.ts')).toBeNull()
  })
})
