import { expect, it } from 'vitest'
import { labelFilter, objectName } from './names.ts'

it('names a container or service after its launch', () => {
  expect(objectName('bf68569755be1a9baff5')).toBe('brxy-bf68569755be1a9baff5')
})

it.each(['a b', 'a.b/c', '', '-x', 'ü', 'x'.repeat(59)])(
  'makes a legal name, and another one for each, of an id that is none: %j',
  (launch) => {
    const name = objectName(launch)
    expect(name).toMatch(/^brxy-[a-f0-9]{32}$/)
    expect(name).not.toBe(objectName(`${launch}2`))
  },
)

it('never exceeds what Swarm allows', () => {
  expect(objectName('x'.repeat(58))).toHaveLength(63)
})

it('asks for objects that have all labels', () => {
  expect(JSON.parse(labelFilter({ 'brxy.owner': 'a=b', 'brxy.route': '*.x.com' }))).toEqual({
    label: ['brxy.owner=a=b', 'brxy.route=*.x.com'],
  })
})
