import { describe, expect, it } from 'vitest'
import { containerBody } from './container-body.ts'
import { Place } from './shape.ts'

const place = new Place('apps.shop.scaler.docker.container', ['container'])
const body = (given: object) => containerBody(given as never, place)
const LABELS = { 'brxy.owner': 'me', 'brxy.route': 'shop', 'brxy.launch': 'l1' }

describe('the body of a container', () => {
  it('is what the user wrote, with what an instance needs', () => {
    const given = {
      Image: 'shop:3',
      Cmd: ['serve'],
      Env: ['A=1', 'ROUTE=mine', 'EMPTY'],
      Labels: { team: 'a', 'brxy.owner': 'forged' },
      HostConfig: { NetworkMode: 'web', Memory: 1e8 },
    }
    expect(body(given).of(LABELS, { ROUTE: 'shop', BRXY_TOKEN: 'x=y\nz' })).toEqual({
      Image: 'shop:3',
      Cmd: ['serve'],
      StopSignal: 'SIGTERM',
      StopTimeout: 45,
      Env: ['A=1', 'EMPTY', 'ROUTE=shop', 'BRXY_TOKEN=x=y\nz'],
      Labels: { team: 'a', ...LABELS },
      HostConfig: {
        Init: true,
        NetworkMode: 'web',
        Memory: 1e8,
        AutoRemove: false,
        RestartPolicy: { Name: 'no' },
      },
    })
  })

  it('leaves to the user what it can do without', () => {
    const given = { Image: 'x', StopSignal: 'SIGINT', StopTimeout: 90, HostConfig: { Init: false } }
    expect(body(given).of({}, {})).toMatchObject(given)
    expect(body(given).graceS).toBe(90)
  })

  it.each([
    [{}, 'Image', 'is required'],
    [{ image: 'x' }, 'Image', 'the names are those of the Engine API: Image, not image'],
    [{ Image: 7 }, 'Image', 'must be the name of an image'],
    [{ Image: 'x', Env: { A: '1' } }, 'Env', 'must be a list of strings: [NAME=VALUE]'],
    [{ Image: 'x', Labels: { a: 1 } }, 'Labels.a', 'must be a string; quote it'],
    [{ Image: 'x', HostConfig: [] }, 'HostConfig', 'must be a mapping'],
    [{ Image: 'x', HostConfig: { AutoRemove: true } }, 'HostConfig.AutoRemove', 'must not be set'],
    [
      { Image: 'x', HostConfig: { RestartPolicy: { Name: 'always' } } },
      'HostConfig.RestartPolicy.Name',
      '"always" must be "no"',
    ],
    [{ Image: 'x', StopTimeout: '45s' }, 'StopTimeout', 'must be a whole number of seconds'],
  ])('refuses %o by its path', (given, path, detail) => {
    const error = {
      path: `apps.shop.scaler.docker.container.${path}`,
      detail: expect.stringContaining(detail),
    }
    expect(() => body(given)).toThrow(
      expect.objectContaining({ ...error, keys: ['container', ...path.split('.')] }),
    )
  })
})
