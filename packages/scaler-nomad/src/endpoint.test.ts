import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { resolveConfig } from '@brxy/options'
import type { ApiTarget } from '@brxy/scaler/api'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { endpointOf, scopeOf } from './endpoint.ts'
import { NOMAD_OPTIONS, type NomadOptions } from './options.ts'

const targetOf = (given: NomadOptions, env: NodeJS.ProcessEnv = {}) =>
  endpointOf(given, env).target(undefined) as ApiTarget
const options = (given: unknown = {}) => resolveConfig(NOMAD_OPTIONS, given, { path: 'nomad' })

let dir = ''
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'brxy-nomad-'))
})
afterEach(() => rmSync(dir, { recursive: true }))

it('finds the agent of this machine by default', () => {
  const where = 'http://127.0.0.1:4646'
  expect(targetOf(options())).toEqual({ where, host: '127.0.0.1', port: 4646 })
  expect(scopeOf(options(), {})).toEqual({ namespace: 'default' })
})

it("reads the variables of Nomad's own client, and options first", () => {
  const env = { NOMAD_ADDR: 'https://[::1]:1', NOMAD_TOKEN: 'a', NOMAD_NAMESPACE: 'web', NOMAD_REGION: 'eu' }
  expect(targetOf(options(), env)).toMatchObject({ host: '::1', port: 1, where: 'https://[::1]:1', tls: {} })
  expect(targetOf(options(), env).headers).toEqual({ 'x-nomad-token': 'a' })
  expect(scopeOf(options(), env)).toEqual({ namespace: 'web', region: 'eu' })
  const given = options({ address: 'http://h:2', token: 'b', namespace: 'x', region: 'us' })
  expect(targetOf(given, env)).toMatchObject({ host: 'h', port: 2 })
  expect(targetOf(given, env).headers).toEqual({ 'x-nomad-token': 'b' })
  expect(scopeOf(given, env)).toEqual({ namespace: 'x', region: 'us' })
})

it('finds the socket that Nomad gives to each task, as its own client does', () => {
  const where = 'unix:///alloc/edge/secrets/api.sock'
  expect(targetOf(options(), { NOMAD_ADDR: where })).toEqual({
    where,
    socketPath: '/alloc/edge/secrets/api.sock',
  })
  const given = options({ address: 'unix:///100%/a b.sock' })
  expect(targetOf(given, { NOMAD_ADDR: where })).toMatchObject({ socketPath: '/100%/a b.sock' })
})

it('reads a token from its file each time, and says when it is not there', () => {
  const tokenFile = join(dir, 'token')
  writeFileSync(tokenFile, 'one\n')
  const endpoint = endpointOf(options({ tokenFile }), { NOMAD_TOKEN: 'other' })
  const headers = () => (endpoint.target(undefined) as ApiTarget).headers
  expect(headers()).toEqual({ 'x-nomad-token': 'one' })
  writeFileSync(tokenFile, 'two\n')
  expect(headers()).toEqual({ 'x-nomad-token': 'two' })
  rmSync(tokenFile)
  expect(headers).toThrow(expect.objectContaining({ code: 'scaler/denied' }))
})

it.each(['h:1', 'ftp://h', 'http://h/path', 'unix://api.sock', 'unix://'])(
  'refuses %o as an address, by its path',
  (address) => {
    expect(() => endpointOf(options({ address }), {})).toThrow(
      expect.objectContaining({ code: 'options/invalid', message: expect.stringContaining('nomad.address') }),
    )
  },
)

it('names a certificate that can not be read', () => {
  const given = options({ address: 'https://h:1', tls: { ca: join(dir, 'none.pem') } })
  expect(() => endpointOf(given, {})).toThrow(/nomad\.tls\.ca.*cannot be read.*none\.pem/)
})
