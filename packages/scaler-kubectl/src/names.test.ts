import fc from 'fast-check'
import { expect, it } from 'vitest'
import { isObjectName, labelOf, nameOf, ownerLabel, selectorOf } from './names.ts'

// https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set
const LABEL_VALUE = /^[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/
// RFC 1123 label
const NAME = /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/

it('labels a route with itself where that is legal', () => {
  expect(labelOf('shop.example.com')).toBe('shop.example.com')
})

it('labels any other route with a part of it and a hash', () => {
  expect(labelOf('*.x.com')).toMatch(/^x\.com_[0-9a-f]{20}$/)
  expect(labelOf('tcp:5432')).toMatch(/^tcp-5432_[0-9a-f]{20}$/)
  expect(labelOf('*')).toMatch(/^x_[0-9a-f]{20}$/)
})

it('makes legal labels of any text, and different ones of different texts', () => {
  const route = fc.oneof(fc.string(), fc.domain(), fc.constantFrom('x.com', '*.x.com', 'X.com', 'x.com/'))
  fc.assert(
    fc.property(route, route, (one, other) => {
      expect(labelOf(one)).toMatch(LABEL_VALUE)
      expect(labelOf(one) === labelOf(other)).toBe(one === other)
    }),
  )
})

it('lets nobody name a route like the label of another', () => {
  const hashed = labelOf('*.x.com')
  expect(labelOf(hashed)).not.toBe(hashed)
})

it("names a launch's object after it, and legally whatever its id", () => {
  expect(nameOf('0f1e2d')).toBe('brxy-0f1e2d')
  fc.assert(fc.property(fc.string({ maxLength: 100 }), (launch) => NAME.test(nameOf(launch))))
})

it('selects by an owner without showing who it is', () => {
  expect(selectorOf({ 'brxy/owner': ownerLabel('edge of ops'), a: 'b' })).toMatch(
    /^brxy\/owner=[0-9a-f]{20},a=b$/,
  )
})

it.each([
  ['web', true],
  ['web.api', true],
  ['Web', false],
  ['web/../kube-system', false],
  ['', false],
])('takes %j for a name: %j', (name, is) => {
  expect(isObjectName(name)).toBe(is)
})
