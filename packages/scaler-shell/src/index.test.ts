import { assertScalerFactory } from '@brxy/scaler'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Fixture, never } from './fixture.testkit.ts'
import * as shell from './index.ts'

let fixture: Fixture
beforeEach(() => {
  fixture = new Fixture()
})
afterEach(() => fixture.clean())

describe('the factory', () => {
  it('is what a loader of scalers looks for', () => {
    expect(assertScalerFactory(shell, 'shell')).toBe(shell.default)
  })

  it.each([
    [{}, 'options/missing', 'apps.shop.scaler.shell.command: is required'],
    [
      { command: [] },
      'options/invalid',
      'apps.shop.scaler.shell.command: a list must have at least 1 element',
    ],
    [
      { command: 'node x' },
      'options/invalid',
      'apps.shop.scaler.shell.command: "node x" must be a list: [node, x]',
    ],
    [
      { command: ['x'], comand: [] },
      'options/unknown',
      'apps.shop.scaler.shell.comand: there is no such option; did you mean command?',
    ],
    [
      { command: ['x'], per: 'host' },
      'options/invalid',
      'apps.shop.scaler.shell.per: "host" must be one of launch, app',
    ],
    [
      { command: ['x'], per: 'app' },
      'options/missing',
      'apps.shop.scaler.shell.observe: is required with per: app, for nothing else says what runs',
    ],
    [
      { command: ['x'], per: 'app', observe: ['y'], remove: ['z'] },
      'options/invalid',
      'apps.shop.scaler.shell.remove: cannot be given with per: app: the command finds in BRXY_REMOVE what is to go',
    ],
    [
      { command: ['x'], observe: 'y' },
      'options/invalid',
      'apps.shop.scaler.shell.observe: "y" must be a list: [y]',
    ],
    [
      { command: ['x'], call: '1m' },
      'options/invalid',
      'apps.shop.scaler.shell.call: "1m" is above the maximum; give at most 30s',
    ],
    [
      { command: ['x'], killAfter: 45 },
      'options/invalid',
      'apps.shop.scaler.shell.killAfter: "45" has no unit; write 45s or 45ms',
    ],
  ])('names the path of a bad app option: %o', (options, code, message) => {
    const scaler = fixture.scaler()
    expect(() => scaler.app('shop', options)).toThrow(expect.objectContaining({ code, message }))
  })

  it('names the path of a bad option of its own', () => {
    expect(() => fixture.scaler({ pathprefix: '/x' })).toThrow(
      expect.objectContaining({ path: 'shell.pathprefix', message: expect.stringContaining('pathPrefix') }),
    )
  })

  it('launches by name, and its linkers exit', () => {
    expect(fixture.app({ command: ['x'] })).toMatchObject({ launches: 'named', leave: 'exit' })
  })

  it('refuses every call after close', async () => {
    const scaler = fixture.scaler()
    const app = scaler.app('shop', { command: ['x'] })
    await scaler.close()
    await expect(app.observe(never())).rejects.toMatchObject({ code: 'scaler/closed' })
    await expect(app.scale({ want: 0, start: [], remove: [] }, never())).rejects.toMatchObject({
      code: 'scaler/closed',
    })
    expect(() => scaler.app('shop', { command: ['x'] })).toThrow('was closed')
  })
})
