import { createServer, type Server } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { FIRST_PORT, freePort, isPortFree, LAST_PORT } from './port.ts'

const servers: Server[] = []

afterEach(async () => {
  await Promise.all(servers.splice(0).map((server) => new Promise((resolve) => server.close(resolve))))
})

function listen(host: string, port: number): Promise<void> {
  const server = createServer()
  servers.push(server)
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen({ host, port, ipv6Only: true }, resolve)
  })
}

/** A random source that makes the search start at `port`. */
const startingAt = (port: number) => () => (port - FIRST_PORT) / (LAST_PORT - FIRST_PORT + 1)

test('finds a port that can be bound at once, on both loopback addresses', async () => {
  const port = await freePort(Math.random)
  expect(port).toBeGreaterThanOrEqual(FIRST_PORT)
  expect(port).toBeLessThanOrEqual(LAST_PORT)
  await listen('127.0.0.1', port)
  await listen('::1', port)
})

test.each(['127.0.0.1', '::1'])('passes over a port on which somebody listens on %s only', async (host) => {
  const taken = await freePort(Math.random)
  await listen(host, taken)
  expect(await isPortFree(taken)).toBe(false)
  expect(await freePort(startingAt(taken))).not.toBe(taken)
  const next = await freePort(startingAt(taken))
  expect(next).toBeGreaterThan(FIRST_PORT)
})

test('goes on at the first port of the range after the last', async () => {
  const lastIsFree = await isPortFree(LAST_PORT)
  if (lastIsFree) await listen('127.0.0.1', LAST_PORT)
  const port = await freePort(startingAt(LAST_PORT))
  expect(port).toBeGreaterThanOrEqual(FIRST_PORT)
  expect(port).toBeLessThan(FIRST_PORT + 500)
})

test('starts the search where the injected random says', async () => {
  const port = await freePort(() => 0.999_999_999)
  expect(port === LAST_PORT || port < FIRST_PORT + 500).toBe(true)
})
