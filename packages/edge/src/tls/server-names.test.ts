import { expect, it } from 'vitest'
import { ServerNames } from './server-names.ts'

const names = new ServerNames([
  { names: ['default.test'], value: 'first' },
  { names: ['shop.test', '*.shop.test'], value: 'shop' },
  { names: ['api.shop.test', 'shop.test'], value: 'api' },
])

it.each([
  ['shop.test', 'shop', 'the earlier one of two'],
  ['SHOP.Test', 'shop', 'in any case'],
  ['api.shop.test', 'api', 'the exact name before the wildcard'],
  ['any.shop.test', 'shop', 'a wildcard'],
  ['a.b.shop.test', 'first', 'a wildcard is one label'],
  ['.shop.test', 'shop', 'an empty label, which no certificate fits: whatever'],
  ['blog.test', 'first', 'the first for a name that none has'],
  ['localhost', 'first', 'the first for a name of one label'],
  ['', 'first', 'the first for no name'],
  ['*.shop.test', 'shop', 'the pattern itself'],
])('%j gets %s: %s', (name, value) => {
  expect(names.find(name)).toBe(value)
})
