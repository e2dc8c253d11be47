import { expect, test } from 'vitest'
import { Credentials } from './credentials.ts'

test('begins with what is configured, or with nothing', () => {
  expect(new Credentials().next('first')).toBe('first')
  expect(new Credentials().next(null)).toBe('')
})

test('goes on with what the edge renewed, for the configured token may have expired', () => {
  const credentials = new Credentials()
  credentials.next('configured')
  credentials.renew('renewed')
  expect([credentials.next('configured'), credentials.next(null)]).toEqual(['renewed', 'renewed'])
})

test('takes a configured token that has changed for the newer one', () => {
  const credentials = new Credentials()
  credentials.next('configured')
  credentials.renew('renewed')
  expect(credentials.next('from a renewed file')).toBe('from a renewed file')
})

test('falls back to what is configured when the renewed one is refused, and has nothing left after that', () => {
  const credentials = new Credentials()
  credentials.next('configured')
  credentials.renew('renewed')
  expect(credentials.refused()).toBe(true)
  expect(credentials.next('configured')).toBe('configured')
  expect(credentials.refused()).toBe(false)
})
