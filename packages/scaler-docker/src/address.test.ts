import { resolveConfig } from '@brxy/options'
import { expect, it } from 'vitest'
import { addressOf, formatAddress } from './address.ts'
import { DOCKER_OPTIONS } from './options.ts'

const address = (given: object, env: NodeJS.ProcessEnv = {}) =>
  addressOf(resolveConfig(DOCKER_OPTIONS, given, { path: 'docker' }), env)

it.each([
  [{}, {}, 'unix:///var/run/docker.sock'],
  [{}, { DOCKER_HOST: '' }, 'unix:///var/run/docker.sock'],
  [{}, { DOCKER_HOST: 'unix:///run/user/1/docker.sock' }, 'unix:///run/user/1/docker.sock'],
  [{ socket: '/x.sock' }, { DOCKER_HOST: 'unix:///y.sock' }, 'unix:///x.sock'],
  [{ host: 'unix:///x.sock' }, {}, 'unix:///x.sock'],
  [{ host: 'tcp://10.0.0.1:2376', tls: {} }, {}, 'tcp://10.0.0.1:2376'],
  [{ host: 'tcp://dock.example', tls: {} }, {}, 'tcp://dock.example:2376'],
  [{ host: 'https://dock.example' }, {}, 'tcp://dock.example:2376'],
  [{ host: 'tcp://dock.example:80', insecure: true }, {}, 'tcp://dock.example:80'],
  [{ host: 'tcp://dock.example', insecure: true }, {}, 'tcp://dock.example:2375'],
  [{ host: 'tcp://[::1]:2376', tls: {} }, {}, 'tcp://::1:2376'],
])('%o with %o is %s', (given, env, expected) => {
  expect(formatAddress(address(given, env))).toBe(expected)
})

it('takes the certificates from where the docker command does', () => {
  const env = { DOCKER_HOST: 'tcp://d:2376', DOCKER_TLS_VERIFY: '1', DOCKER_CERT_PATH: '/certs' }
  expect(address({}, env)).toMatchObject({
    tls: { ca: '/certs/ca.pem', cert: '/certs/cert.pem', key: '/certs/key.pem' },
  })
  expect(address({}, { ...env, DOCKER_CERT_PATH: '', HOME: '/root' })).toMatchObject({
    tls: { ca: '/root/.docker/ca.pem' },
  })
  expect(address({ tls: { ca: '/own.pem' } }, env)).toMatchObject({
    tls: { ca: '/own.pem', cert: undefined },
  })
})

it.each([
  [
    { host: 'tcp://10.0.0.1:2375' },
    {},
    'docker.host',
    'without TLS: whoever reads that network is root there',
  ],
  [{}, { DOCKER_HOST: 'tcp://10.0.0.1:2375' }, 'DOCKER_HOST', 'say insecure: true'],
  [{ host: 'ssh://me@there' }, {}, 'docker.host', 'is neither unix://PATH nor tcp://HOST:PORT'],
  [{ host: '/var/run/docker.sock' }, {}, 'docker.host', 'is neither unix://PATH'],
  [{ host: 'tcp://a b', insecure: true }, {}, 'docker.host', 'must be tcp://HOST:PORT'],
  [{ host: 'tcp://a/b', insecure: true }, {}, 'docker.host', 'must be tcp://HOST:PORT'],
  [{ socket: 'docker.sock' }, {}, 'docker.socket', 'must be an absolute path'],
  [{ socket: '/a', host: 'unix:///b' }, {}, 'docker.socket', 'is set beside host'],
])('refuses %o with %o by the path %s', (given, env, path, message) => {
  expect(() => address(given, env)).toThrow(
    expect.objectContaining({ path, message: expect.stringContaining(message) }),
  )
})
