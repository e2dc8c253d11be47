import { expect, test } from 'vitest'
import { appEnvironment } from './environment.ts'

test('hands on the environment with PORT set, replacing a PORT the linker was given', () => {
  const env = {
    PATH: '/bin',
    PORT: '80',
    ROUTE: 'shop',
    EMPTY: '',
    BRXY_EDGE: 'ws://edge',
    BRXY_LAUNCH: 'a1',
  }
  expect(appEnvironment(env, 20_001)).toEqual({ ...env, PORT: '20001' })
  expect(env.PORT).toBe('80')
})

test.each([
  'BRXY_TOKEN',
  'BRXY_TOKEN_FILE',
  'BRXY_ADMIN_TOKEN',
  'BRXY_SECRET',
  'BRXY_SECRET_FILE',
  'BRXY_TUNNEL_KEY',
  'BRXY_REDIS_PASSWORD',
  'BRXY_CREDENTIALS',
])('keeps %s from the application', (name) => {
  expect(appEnvironment({ [name]: 'x' }, 20_001)).toEqual({ PORT: '20001' })
})

test.each(['TOKEN', 'SECRET_KEY', 'MY_BRXY_TOKEN', 'BRXY_KEEP_WARM'])(
  'leaves %s, which is not ours',
  (name) => {
    expect(appEnvironment({ [name]: 'x' }, 20_001)).toEqual({ [name]: 'x', PORT: '20001' })
  },
)

test('leaves out what is undefined', () => {
  expect(appEnvironment({ GONE: undefined }, 20_001)).toStrictEqual({ PORT: '20001' })
})
