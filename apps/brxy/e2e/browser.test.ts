import { fileURLToPath } from 'node:url'
import { EdgeProcess, eventually, expectNoLeftovers, hasPeer, Running, tempDir } from '@brxy-tooling/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { linked } from './apps.ts'
import { ConfigFile, launched } from './config-file.ts'
import { TestCa } from './test-ca.ts'

const APP = fileURLToPath(new URL('browser-app.mjs', import.meta.url))

/** No sandbox, for tests run as root; nothing that calls home. */
const HEADLESS = [
  ...['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'],
  ...['--disable-background-networking', '--disable-component-update', '--disable-dev-shm-usage'],
]

let file: ConfigFile
let edge: EdgeProcess
let browser: Running
let profile: ReturnType<typeof tempDir>
beforeEach(() => {
  profile = tempDir()
  file = new ConfigFile()
})
afterEach(async () => {
  await browser?.stop()
  await edge?.close()
  file.remove()
  profile.remove()
  await expectNoLeftovers()
})

/** Its page holds a WebSocket or an event stream open beside other requests. */
async function start(more: Parameters<ConfigFile['set']>[1]): Promise<void> {
  const scaler = launched(linked([process.execPath, APP], ['-c', '8']))
  file.set({ page: { hosts: ['localhost'], scaler } }, more)
  edge = await EdgeProcess.start({ file: file.path })
}

/** What the script of the page saw. */
async function reported(url: string, flags: readonly string[] = []): Promise<unknown> {
  browser = new Running('chromium', [...HEADLESS, ...flags, `--user-data-dir=${profile.path}`, url])
  await edge.event('request', ({ method, target }) => method === 'POST' && target === '/report', 1, 60_000)
  await browser.stop()
  // By a port without TLS.
  return eventually('the report', async () => (await fetch(`http://localhost:${edge.port}/report`)).json())
}

const SEEN = {
  subprotocol: 'chat.v2',
  text: 'grüße',
  binary: true,
  close: { code: 4002, reason: 'enough', wasClean: true },
  events: ['event 0', 'event 1', 'event 2'],
  uploaded: 1024 * 1024,
}

describe.skipIf(!hasPeer('chromium'))('a browser', () => {
  it('waits for a cold start, then has WebSockets, server-sent events as they come, and uploads', async () => {
    await start({})
    expect(await reported(edge.url())).toEqual({ protocol: 'http/1.1', ...SEEN })
    expect(edge.matching('request')[0]).toMatchObject({ target: '/', status: 200 })
    expect(edge.matching('launching')).toHaveLength(1)
    expect(edge.matching('bug')).toEqual([])
  })

  it('has the same over TLS, where it speaks HTTP/2', async () => {
    const certificate = new TestCa(file.directory).sign('localhost', ['DNS:localhost'])
    const secure = { bind: '127.0.0.1:0', tls: { certs: [certificate] } }
    await start({ listen: ['127.0.0.1:0', secure] })
    const [{ clients }] = edge.matching('listening')
    const port = (clients as string[])[1].split(':')[1]
    const report = await reported(`https://localhost:${port}/`, ['--ignore-certificate-errors'])
    expect(report).toEqual({ protocol: 'h2', ...SEEN })
    expect(edge.matching('bug')).toEqual([])
  })
})
