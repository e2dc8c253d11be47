import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { ApiServer } from './api-server.testkit.ts'
import { KubeClient } from './client.ts'
import { scalerError } from './error.ts'
import { acceptedPaths, KubectlProxy } from './proxy.ts'

const PODS = '/api/v1/namespaces/shop/pods'
const signal = new AbortController().signal
let dir: string
let api: ApiServer
let client: KubeClient

/** Passes what comes to the socket on to the API, as kubectl does. Its arguments and its process id are written down. */
const kubectl = (port: number, dir: string) => `#!${process.execPath}
const { appendFileSync, existsSync } = require('node:fs')
const { connect, createServer } = require('node:net')
appendFileSync(${JSON.stringify(join(dir, 'runs'))}, JSON.stringify([process.pid, ...process.argv.slice(2)]) + '\\n')
if (existsSync(${JSON.stringify(join(dir, 'broken'))})) {
  console.error('error: the context has no user')
  process.exit(1)
}
const socket = process.argv.find((word) => word.startsWith('--unix-socket=')).slice('--unix-socket='.length)
createServer((client) => {
  const server = connect(${port}, '127.0.0.1')
  for (const [one, other] of [[client, server], [server, client]]) one.on('error', () => {}).pipe(other)
}).listen(socket, () => console.log('Starting to serve on ' + socket))
`

beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'brxy-proxy-'))
  api = await ApiServer.start()
  const binary = join(dir, 'kubectl')
  writeFileSync(binary, kubectl(api.port, dir), { mode: 0o700 })
  client = new KubeClient(new KubectlProxy({ binary, flags: ['--context', 'x'] }, 'shop'))
})
afterEach(async () => {
  await client.close()
  await api.close()
  rmSync(dir, { recursive: true })
})

/** Each kubectl that was started. */
function runs(): { pid: number; args: string[] }[] {
  return readFileSync(join(dir, 'runs'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .map(([pid, ...args]) => ({ pid, args }))
}

function pods(): Promise<unknown> {
  return client.request(PODS, {}, signal).catch((error) => scalerError(error, signal))
}

async function answered(): Promise<unknown> {
  const call = pods()
  await api.answer(200, { items: [] })
  return call
}

it('starts one proxy for the namespace, whatever is asked, and ends it when it is closed', async () => {
  expect(await answered()).toEqual({ items: [] })
  expect(await answered()).toEqual({ items: [] })
  const [{ pid, args }, ...more] = runs()
  expect(more).toEqual([])
  expect(args.slice(0, 3)).toEqual(['--context', 'x', 'proxy'])
  expect(args).toContain(`--accept-paths=${acceptedPaths('shop')}`)
  const socket = args[3].slice('--unix-socket='.length)
  await client.close()
  expect(existsSync(dirname(socket))).toBe(false)
  await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 10_000 }).toBe(false)
  expect(await pods()).toMatchObject({ code: 'scaler/closed' })
})

it('starts another one when it has died, also under a call', async () => {
  await answered()
  const call = pods()
  await api.next()
  process.kill(runs()[0].pid, 'SIGKILL')
  await api.answer(200, { items: ['again'] })
  expect(await call).toEqual({ items: ['again'] })
  expect(runs()).toHaveLength(2)
})

it('tries one that does not start ever less often, and says why there is none meanwhile', async () => {
  writeFileSync(join(dir, 'broken'), '')
  const why = `cannot run "${join(dir, 'kubectl')}": error: the context has no user`
  let error: Error
  do {
    error = (await pods()) as Error
    expect(error).toMatchObject({ code: 'scaler/unavailable', message: expect.stringContaining(why) })
  } while (!/no user; it is started again in \d+ s$/.test(error.message))
  const before = runs().length
  expect(((await pods()) as Error).message).toContain(why)
  // Of its three tries at most one did not find the next start too far away to wait for.
  expect(runs().length - before).toBeLessThanOrEqual(1)
  rmSync(join(dir, 'broken'))
  const [asked] = await Promise.all([api.answer(200, { items: [] }), untilAnswered()])
  expect(asked.path).toBe(PODS)
})

/** Calls until one succeeds, as the edge does. */
async function untilAnswered(): Promise<void> {
  while ((await pods()) instanceof Error);
}

it('says how to get a kubectl that is not there', async () => {
  const none = new KubeClient(new KubectlProxy({ binary: '/nonexistent/kubectl', flags: [] }, 'shop'))
  await expect(none.request(PODS, {}, signal)).rejects.toMatchObject({
    code: 'scaler/unavailable',
    message: expect.stringMatching(/cannot run "\/nonexistent\/kubectl": not found; install it/),
  })
  await none.close()
})
