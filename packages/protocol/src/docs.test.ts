import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { FRAME, frameRule, REFUSE, RESET, refuseName, resetName } from './frame.ts'
import * as protocol from './index.ts'
import { DEFAULT_SESSION_OPTIONS, SUBPROTOCOL, TUNNEL_PATH } from './session/options.ts'

const DOC = readFileSync(new URL('../../../docs/protocol.md', import.meta.url), 'utf8')
const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

/** The rows of a table under a heading, as lists of cells. */
function table(heading: string): string[][] {
  const from = DOC.indexOf(`\n${heading}\n`)
  expect(from, heading).toBeGreaterThan(0)
  const lines = DOC.slice(from).split('\n')
  const first = lines.findIndex((line) => line.startsWith('|---'))
  const rows: string[][] = []
  for (let i = first + 1; lines[i].startsWith('|'); i++) {
    rows.push(
      lines[i]
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    )
  }
  return rows
}

describe('docs/protocol.md', () => {
  it('has the frames as the code has them', () => {
    const documented = table('## Frames').map((row) => row.slice(0, 7))
    const coded = Object.entries(FRAME).map(([name, type]) => {
      const rule = frameRule(type)
      expect(rule?.name).toBe(name)
      const { from, stream, end, minBytes, maxBytes } = rule as NonNullable<typeof rule>
      const hex = type.toString(16).padStart(2, '0')
      return [hex, name, from, stream ? 'yes' : 'no', end ? 'may' : 'no', `${minBytes}`, `${maxBytes}`]
    })
    expect(documented).toEqual(coded)
    // And no rule without a name.
    for (let type = 0; type < 128; type++) {
      expect(frameRule(type) !== undefined).toBe(Object.values<number>(FRAME).includes(type))
    }
  })

  it('has the codes of REFUSE and RESET as the code has them', () => {
    const coded = (codes: Record<string, number>, name: (code: number) => string) =>
      Object.values(codes).map((code) => [`${code}`, name(code)])
    expect(table('### REFUSE reasons').map((row) => row.slice(0, 2))).toEqual(coded(REFUSE, refuseName))
    expect(table('### RESET codes').map((row) => row.slice(0, 2))).toEqual(coded(RESET, resetName))
    expect([refuseName(99), resetName(99)]).toEqual(['reason-99', 'code-99'])
  })

  it('has the options and their defaults as the code has them', () => {
    const documented = Object.fromEntries(table('## Numbers').map(([name, value]) => [name, Number(value)]))
    expect(documented).toEqual(DEFAULT_SESSION_OPTIONS)
  })

  it('names the path and the subprotocol', () => {
    const connection = Object.fromEntries(table('## The connection').map(([name, value]) => [name, value]))
    expect([connection.path, connection.subprotocol]).toEqual([TUNNEL_PATH, SUBPROTOCOL])
  })

  it('names no error that does not exist', () => {
    for (const [code] of DOC.matchAll(/(?<=`)protocol\/[a-z-]+(?=`)/g))
      expect(protocol.PROTOCOL_ERRORS).toHaveProperty(code)
  })
})

describe('README.md', () => {
  const block = (language: string) => README.split(`\`\`\`${language}\n`)[1].split('```')[0]

  it('has an example that prints what it says', () => {
    const printed: string[] = []
    const code = block('js').replace(/^import (\{.*\}) from '@brxy\/protocol'$/m, 'const $1 = protocol')
    new Function('protocol', 'console', code)(protocol, { log: (line: string) => printed.push(line) })
    expect(`${printed.join('\n')}\n`).toBe(block('text'))
  })
})
