import { fileURLToPath } from 'node:url'
import { EdgeProcess, eventually, expectNoLeftovers, hasPeer, Running, tempDir } from '@brxy-tooling/testkit'
import { afterEach, describe, expect, it } from 'vitest'
import { linked } from './apps.ts'

const APP = fileURLToPath(new URL('browser-app.mjs', import.meta.url))

/** No sandbox, for tests run as root; nothing that calls home. */
const HEADLESS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-dev-shm-usage'],
]

let edge: EdgeProcess
let browser: Running
const profile = tempDir()
afterEach(async () => {
  await browser?.stop()
  await edge?.close()
  profile.remove()
  await expectNoLeftovers()
})

describe.skipIf(!hasPeer('chromium'))('a browser', () => {
  it('waits for a cold start, then has WebSockets, server-sent events as they come, and uploads', async () => {
    // Its page holds a WebSocket or an event stream open beside other requests.
    edge = await EdgeProcess.start({ command: linked([process.execPath, APP], ['-c', '8']) })
    browser = new Running('chromium', [...HEADLESS, `--user-data-dir=${profile.path}`, edge.url()])
    const report = await eventually(
      'the report of the page',
      async () => {
        if (edge.matching('request').length === 0) return undefined
        return (await (await fetch(edge.url('/report'))).json()) ?? undefined
      },
      60_000,
    )
    expect(report).toEqual({
      protocol: 'http/1.1',
      subprotocol: 'chat.v2',
      text: 'grüße',
      binary: true,
      close: { code: 4002, reason: 'enough', wasClean: true },
      events: ['event 0', 'event 1', 'event 2'],
      uploaded: 1024 * 1024,
    })
    expect(edge.matching('request')[0]).toMatchObject({ target: '/', status: 200 })
    expect(edge.matching('launching')).toHaveLength(1)
    expect(edge.matching('bug')).toEqual([])
  })
})
