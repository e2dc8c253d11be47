import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { readAccess } from './access.ts'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'brxy-access-'))
})
afterAll(() => rmSync(directory, { recursive: true }))

function file(text: string): string {
  const path = join(directory, 'brxy.yaml')
  writeFileSync(path, text)
  return path
}

describe('how a running edge is reached', () => {
  it('is read from a file in which everything else is wrong, for the edge will say that', () => {
    const path = file(
      'admin: { bind: ":9999", token: abc }\nstateDir: state\napps: { shop: { maxx: 1, hold: 50 } }\n',
    )
    expect(readAccess(path, {})).toMatchObject({
      admin: { bind: ':9999', token: 'abc' },
      secret: undefined,
      stateDir: join(directory, 'state'),
    })
  })

  it('is what it is without a file, or as variables say', () => {
    expect(readAccess(null, {})).toMatchObject({ admin: { bind: '127.0.0.1:9081' }, stateDir: undefined })
    const env = { BRXY_ADMIN: ':1', BRXY_STATE_DIR: 'here', BRXY_SECRET: 's' }
    expect(readAccess(file('version: 1\n'), env)).toMatchObject({
      admin: { bind: ':1' },
      secret: 's',
      stateDir: 'here',
    })
  })

  it.each([
    ['admin: { bindd: x }\n', 'brxy.yaml:1:10: admin.bindd: there is no such option; did you mean bind?'],
    ['admin: { bind: *x }\n', 'brxy.yaml:1:16: '],
    ['secret: { env: NOPE }\n', 'brxy.yaml:1:16: secret.env: the variable NOPE is not set'],
  ])('cannot be told from %j', (text, message) => {
    expect(() => readAccess(file(text), {})).toThrow(
      expect.objectContaining({ code: 'config/invalid', message: expect.stringContaining(message) }),
    )
  })
})
