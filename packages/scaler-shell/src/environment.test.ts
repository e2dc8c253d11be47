import { describe, expect, it } from 'vitest'
import { launchEnvironment } from './environment.ts'

describe('launchEnvironment', () => {
  it('passes on what the edge inherited, without what is the edge\u2019s own', () => {
    const inherited = {
      HOME: '/home/ann',
      EMPTY: '',
      GONE: undefined,
      BRXY_SECRET: 'hunter2',
      BRXY_TOKEN: 'edge-token',
      BRXY_ANYTHING: 'x',
      LISTEN_FDS: '2',
      LISTEN_PID: '17',
      LISTEN_FDNAMES: 'http',
      NOTIFY_SOCKET: '/run/systemd/notify',
      WATCHDOG_USEC: '1',
    }
    expect(launchEnvironment(inherited, {}, {}, undefined)).toEqual({ HOME: '/home/ann', EMPTY: '' })
  })

  it('lets the app override what is inherited, and the launch override both', () => {
    const inherited = { A: '1', B: '1', C: '1' }
    const environment = launchEnvironment(
      inherited,
      { B: '2', C: '2', BRXY_IDLE: '5s' },
      { C: '3' },
      undefined,
    )
    expect(environment).toEqual({ A: '1', B: '2', C: '3', BRXY_IDLE: '5s' })
  })

  it.each([
    ['/usr/bin', '/opt/brxy:/usr/bin'],
    ['', '/opt/brxy:/usr/bin:/bin'],
    [undefined, '/opt/brxy:/usr/bin:/bin'],
  ])('puts the prefix before the PATH %j', (path, expected) => {
    expect(launchEnvironment({ PATH: path }, {}, {}, '/opt/brxy').PATH).toBe(expected)
  })
})
