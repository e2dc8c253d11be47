import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { CLIENT_ERRORS, EDGE_ERRORS } from './error.ts'

const SRC = new URL('.', import.meta.url).pathname

/** The published sources, but for the lists themselves. */
const sources = readdirSync(SRC, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.ts') && !/\.(?:test|testkit)\.ts$/.test(name) && name !== 'error.ts')
  .map((name) => readFileSync(join(SRC, name), 'utf8'))

/** Codes that stand in the sources as strings. */
const used = new Set(
  sources.flatMap((source) => [...source.matchAll(/'((?:edge|token)\/[a-z\d-]+)'/g)].map(([, code]) => code)),
)

const listed = [...Object.keys(CLIENT_ERRORS), ...Object.keys(EDGE_ERRORS)]

describe('the lists of error codes', () => {
  it('have every code that the edge uses', () => {
    expect([...used].filter((code) => !listed.includes(code))).toEqual([])
  })

  it('have no code that the edge does not use', () => {
    expect(listed.filter((code) => !used.has(code))).toEqual([])
  })

  it('have no code twice', () => {
    expect(new Set(listed).size).toBe(listed.length)
  })

  it('say for each what it is and what to do', () => {
    for (const { title, doc } of Object.values(CLIENT_ERRORS)) {
      expect([title, doc]).toEqual([expect.stringMatching(/\.$/), expect.stringMatching(/\.$/)])
    }
    for (const doc of Object.values(EDGE_ERRORS)) expect(doc).toMatch(/\.$/)
  })

  it('use registered error tokens of RFC 9209 only', () => {
    const registered = [
      'destination_not_found',
      'destination_unavailable',
      'connection_terminated',
      'connection_timeout',
      'connection_limit_reached',
      'connection_refused',
      'http_request_error',
      'http_response_incomplete',
      'http_response_timeout',
      'http_protocol_error',
      'http_upgrade_failed',
      'proxy_internal_error',
      'proxy_loop_detected',
    ]
    for (const { proxyError } of Object.values(CLIENT_ERRORS)) expect(registered).toContain(proxyError)
  })
})
