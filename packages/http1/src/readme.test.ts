import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import * as http1 from './index.ts'
import { DEFAULT_REQUEST_LIMITS, DEFAULT_RESPONSE_LIMITS } from './index.ts'

const README = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

function block(language: string): string {
  const found = new RegExp(`\`\`\`${language}\n(.*?)\`\`\``, 's').exec(README)
  if (found === null) throw new Error(`README.md has no ${language} block`)
  return found[1]
}

describe('README.md', () => {
  it('has an example that prints what it says', () => {
    const printed: string[] = []
    const code = block('js').replace(/^import (\{.*\}) from '@brxy\/http1'$/m, 'const $1 = http1')
    new Function('http1', 'console', code)(http1, {
      log: (...parts: unknown[]) => printed.push(parts.join(' ')),
    })
    expect(`${printed.join('\n')}\n`).toBe(block('text'))
  })

  it('has the table of the default limits', () => {
    const rows = [...README.matchAll(/^\| +`(max\w+)` +\| +(\d*)[^|]*\| +(\d*) *\|$/gm)]
    const requests = Object.fromEntries(
      rows.filter((row) => row[2] !== '').map((row) => [row[1], Number(row[2])]),
    )
    const responses = Object.fromEntries(
      rows.filter((row) => row[3] !== '').map((row) => [row[1], Number(row[3])]),
    )
    expect({ ...requests, underscores: 'drop' }).toEqual(DEFAULT_REQUEST_LIMITS)
    expect(responses).toEqual(DEFAULT_RESPONSE_LIMITS)
  })
})
