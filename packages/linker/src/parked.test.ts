import { beforeEach, expect, test, vi } from 'vitest'
import { RawApp } from './forward/raw-app.testkit.ts'
import { closedAfterEach, type Linked, linked } from './linked.testkit.ts'

vi.setConfig({ testTimeout: 30_000 })

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

const close = closedAfterEach()
let app: RawApp
let one: Linked

beforeEach(async () => {
  app = await RawApp.answering(OK)
  one = await close(linked(app, { concurrency: 2 }, { welcome: { leave: 'park' } }))
})

/** Attached applications are not stopped; what was lent comes back. */
async function park(): Promise<void> {
  const { session, link } = one
  link.linker.replace()
  await session.says('replace')
  session.session.verdict(true)
  await session.says('status parked')
  expect(session.session.unspent).toBe(0)
}

test('an application that runs anyway is not stopped when its linker is parked, and is served again when that is recalled', async () => {
  await park()
  const { session, edge } = one
  expect(app.errors).toEqual([])
  session.session.recall()
  await edge.granted(2)
  expect((await session.get()).text).toBe('ok')
  expect(one.link.of('phase').map(({ phase }) => phase)).toEqual([
    'replacing',
    'draining',
    'parked',
    'starting',
  ])
})

test('a second RECALL changes nothing, nor does one to an instance that serves', async () => {
  const { session, edge } = one
  session.session.recall()
  await park()
  session.session.recall()
  session.session.recall()
  await edge.granted(2)
  expect((await session.get()).text).toBe('ok')
  expect(session.log.filter((what) => what === 'status starting')).toHaveLength(1)
})
