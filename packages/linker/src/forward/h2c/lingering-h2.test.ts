import { RESET } from '@brxy/protocol'
import { expect, test, vi } from 'vitest'
import { until } from '../../app/processes.testkit.ts'
import { closedAfterEach, type Linked, linked } from '../../linked.testkit.ts'
import { H2App, type H2Call } from './h2-app.testkit.ts'

vi.setConfig({ testTimeout: 30_000 })

const use = closedAfterEach<H2App>()

async function serve(
  answer: (call: H2Call) => void = () => {},
  options: Parameters<typeof linked>[1] = {},
): Promise<Linked<H2App>> {
  return use(linked(await H2App.start(answer), { h2c: true, ...options }))
}

test('a client that leaves resets the stream, and the slot stays taken for abortLingerBody', async () => {
  const { session, app, idle } = await serve(() => {}, { abortLingerBodyMs: 300, abortLingerMs: 60_000 })
  const answer = session.open()
  await until('the request', () => app.calls.length === 1)
  const since = performance.now()
  answer.stream.reset(RESET.CANCELLED)
  await until('the reset', () => app.calls[0]?.resetCode === 8)
  expect(session.session.unspent).toBe(0)
  await idle()
  expect(performance.now() - since).toBeGreaterThan(280)
  expect(app.sessions[0]?.destroyed).toBe(false)
})

test('the slot is free as soon as the connection of a stream that was left is over', async () => {
  const { session, app, idle, badResponses } = await serve(
    ({ stream }) => stream.respond({ ':status': 200 }),
    { abortLingerBodyMs: 60_000 },
  )
  const answer = session.open()
  await until('the head', () => answer.status === 200)
  answer.stream.reset(RESET.CANCELLED)
  await until('the reset', () => app.calls[0]?.resetCode === 8)
  app.sessions[0]?.destroy()
  await idle()
  // An application may close as it likes when nobody listens.
  expect(badResponses()).toEqual([])
})

test('a client that leaves while the application is dialled costs no slot, and the application sees nothing', async () => {
  const { session, app, idle } = await serve()
  const answer = session.open()
  answer.stream.reset(RESET.CANCELLED)
  await idle()
  expect(app.calls.length).toBe(0)
})

test('a session that is lost leaves its streams', async () => {
  const { session, edge, app } = await serve(() => {}, { abortLingerBodyMs: 50 })
  session.open()
  await until('the request', () => app.calls.length === 1)
  edge.cut()
  await until('the reset', () => app.calls[0]?.resetCode === 8)
  await edge.granted(1, 1)
})

test('an application that has answered does not linger while the client reads', async () => {
  const { session, app, idle } = await serve(({ stream }) => {
    stream.respond({ ':status': 200 })
    stream.end('x'.repeat(200_000))
  })
  const answer = session.open()
  answer.consumes = false
  await until('the stream is over at the application', () => app.calls[0]?.resetCode === 0)
  expect(session.session.unspent).toBe(0)
  answer.stream.reset(RESET.CANCELLED)
  await idle()
})

test('an upgrade is declined with 501, the application does not see it, and the slot is free', async () => {
  const { session, app, idle } = await serve()
  const fields = 'Upgrade: websocket\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
  const answer = session.upgrade({ fields })
  await until('the head', () => answer.status === 501)
  expect(answer.head).toContain('Proxy-Status: brxy; error=http_upgrade_failed;')
  answer.stream.end()
  await idle()
  expect(app.calls.length).toBe(0)
})
