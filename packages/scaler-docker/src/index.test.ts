import { assertScalerFactory, type Host } from '@brxy/scaler'
import { beforeEach, describe, expect, it } from 'vitest'
import * as docker from './index.ts'

let logged: { level: string; message: string; fields: object }[]
const host: Host = {
  owner: 'me',
  stateDir: '/nonexistent',
  changed: () => {},
  log: (level, message, fields = {}) => logged.push({ level, message, fields }),
}
beforeEach(() => {
  logged = []
})

// Nobody is there: whatever resolves here has asked nobody.
const scaler = (options: unknown = { socket: '/nonexistent/docker.sock' }) => docker.default(options, host)

describe('the factory', () => {
  it('is what a loader of scalers looks for', () => {
    expect(assertScalerFactory(docker, 'docker')).toBe(docker.default)
  })

  it.each([
    [{ container: { Image: 'x' } }, 'named'],
    [{ task: { TaskTemplate: { ContainerSpec: { Image: 'x' } } } }, 'named'],
    [{ service: 'x' }, 'counted'],
  ])('launches %o: %s', (options, launches) => {
    expect(scaler().app('shop', options)).toMatchObject({ launches, leave: 'exit' })
    expect(logged).toEqual([])
  })

  it.each([
    [{}, 'apps.shop.scaler.docker: give one of container, task and service'],
    [{ container: {} }, 'apps.shop.scaler.docker: give one of container, task and service'],
    [
      { container: { Image: 'x' }, service: 'y' },
      'apps.shop.scaler.docker: give one of container and service, not both',
    ],
    [{ container: 'x' }, 'apps.shop.scaler.docker.container: "x" must be a mapping'],
    [{ contaner: {} }, 'apps.shop.scaler.docker.contaner: there is no such option; did you mean container?'],
    [
      { service: 'x', pull: 'sometimes' },
      'apps.shop.scaler.docker.pull: "sometimes" must be one of missing, always, never',
    ],
    [
      { container: {}, registryAuth: { user: 'x' } },
      'apps.shop.scaler.docker.registryAuth.user: there is no such option',
    ],
  ])('names the path of a bad app option: %o', (options, message) => {
    expect(() => scaler().app('shop', options)).toThrow(message)
  })

  it.each([
    [{ sockt: '/x' }, 'docker.sockt: there is no such option; did you mean socket?'],
    [{ tls: { cart: 'x' } }, 'docker.tls.cart: there is no such option; did you mean cert?'],
  ])('names the path of a bad option of its own: %o', (options, message) => {
    expect(() => scaler(options)).toThrow(message)
  })

  it('warns of a stop grace in which a linker cannot drain', () => {
    scaler().app('shop', { container: { Image: 'x', StopTimeout: 10 } })
    expect(logged).toMatchObject([
      { level: 'warn', message: 'stop grace is short', fields: { route: 'shop', seconds: 10 } },
    ])
  })

  it('refuses every call after close', async () => {
    const closed = scaler()
    const app = closed.app('shop', { service: 'x' })
    await closed.close()
    const signal = new AbortController().signal
    await expect(app.observe(signal)).rejects.toMatchObject({ code: 'scaler/closed' })
    await expect(app.scale({ want: 0, start: [], remove: [] }, signal)).rejects.toMatchObject({
      code: 'scaler/closed',
    })
    expect(() => closed.app('shop', { service: 'x' })).toThrow('was closed')
  })
})
