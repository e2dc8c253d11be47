import { describe, expect, it } from 'vitest'
import { readSource } from './source.ts'

describe('readSource', () => {
  it.each([
    ["a // it's\nb", 'a        \nb'],
    ['a /* `x */ b', 'a          b'],
    ["f('// no', x)", "f('     ', x)"],
    ["'it\\'s' + y", "'     ' + y"],
    ['`a §{b + `c §{d}`} e` + f', '`  §{b + `  §{d}`}  ` + f'],
    ['`§{ {a: 1}.a }x`', '`§{ {a: 1}.a } `'],
    ["x = /['/]/g.test(y) / 2", 'x = /    /g.test(y) / 2'],
    ["return /'/", 'return / /'],
    ['a / b / c', 'a / b / c'],
  ])('keeps of %j what is code', (text, bare) => {
    // The linter takes a dollar in a plain string for a mistake.
    expect(readSource(text.replaceAll('§', '$')).bare).toBe(bare.replaceAll('§', '$'))
  })

  it('keeps strings for whoever reads imports', () => {
    expect(readSource("import 'a' // 'b'").code).toBe("import 'a'       ")
  })
})
