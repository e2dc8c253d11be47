import { afterAll, afterEach, beforeAll, beforeEach, expect, it } from 'vitest'
import { TestEdge } from '../edge.testkit.ts'
import { eventually } from '../eventually.testkit.ts'
import { FakePlatform } from '../scaler.testkit.ts'
import { TestCa } from '../tls/test-ca.testkit.ts'

let ca: TestCa
beforeAll(() => {
  ca = new TestCa()
})
afterAll(() => ca.remove())

let platform: FakePlatform
/** The one that scales, whose tunnel has TLS, and one that reports to it. */
let first: TestEdge
let second: TestEdge

beforeEach(async () => {
  const { cert, key } = ca.sign(['127.0.0.1'])
  const tls = { cert: `${ca.directory}/${cert}`, key: `${ca.directory}/${key}` }
  platform = new FakePlatform()
  first = await TestEdge.start({ tunnel: { bind: '127.0.0.1:0', tls } }, platform.choice)
})
afterEach(async () => {
  await second.close()
  await first.close()
})

async function reporting(more: { readonly reportCa?: string }): Promise<void> {
  const reportTo = first.tunnelUrl.replace(/^ws:/, 'wss:')
  second = await TestEdge.start({ reportTo, ...more }, new FakePlatform().choice)
}

it('a report reaches a tunnel whose certificate the CA in reportCa has signed', async () => {
  await reporting({ reportCa: `${ca.directory}/${ca.caFile}` })
  second.client().get()
  await eventually('the other one starts for it', () => platform.started.length === 1)
  expect(second.edge.status().reporting).toMatchObject({ failingMs: null, error: null })
})

it('without reportCa such a report is not sent, and the status says why', async () => {
  await reporting({})
  second.client().get()
  await eventually('it fails', () => second.edge.status().reporting?.error?.includes('certificate'))
  expect(platform.started).toEqual([])
})
