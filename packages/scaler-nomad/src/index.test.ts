import { expect, it } from 'vitest'
import nomad from './index.ts'

const host = { owner: 'o', stateDir: '/nonexistent', changed() {}, log() {} }

it.each([
  [{}, 'job'],
  [{ job: 'web', mode: 'kill' }, 'mode'],
  [{ job: 'web', group: 'x' }, 'group'],
  [{ job: 'web', count: 3 }, 'count'],
])("refuses an app's options by their path, without I/O: %o", async (options, key) => {
  const scaler = nomad({ address: 'http://127.0.0.1:1' }, host)
  expect(() => scaler.app('shop', options)).toThrow(new RegExp(`apps\\.shop\\.scaler\\.nomad.*${key}`))
  await scaler.close()
})

it('launches by name and has linkers exit, or counts and has them park', async () => {
  const scaler = nomad({}, host)
  expect(scaler.app('a', { job: 'web' })).toMatchObject({ launches: 'named', leave: 'exit' })
  expect(scaler.app('a', { job: 'web', mode: 'count' })).toMatchObject({ launches: 'counted', leave: 'park' })
  await scaler.close()
  expect(() => scaler.app('a', { job: 'web' })).toThrow(expect.objectContaining({ code: 'scaler/closed' }))
})
