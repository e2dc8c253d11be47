// What the benchmarks of platforms have in common (bench-docker.mjs, bench-kubectl.mjs, bench-nomad.mjs): an application of which nothing runs is
// asked through an edge and, in turns, started by the platform's own means; medians of both.
import { spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { cpus, loadavg } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { root } from './run.mjs'

const { add, addBusybox, addLinker, addNode } = await engines('rootfs.js')

/** Of all edges here; it signs tokens. */
export const SECRET = 'a secret that signs tokens'

/** A module of tooling/engines, as it was built last. */
export function engines(name) {
  return import(join(root, 'tooling/engines/dist', name))
}

/** Puts `node /app.mjs` and the linker's command into an image. */
export function fill(rootfs) {
  addBusybox(rootfs)
  addNode(rootfs)
  addLinker(rootfs)
  add(rootfs, join(root, 'examples/demo/app.mjs'), '/app.mjs')
  mkdirSync(join(rootfs, 'root'))
}

/**
 * Runs each of them in turns, and prints their medians and by how much those of each two differ.
 *
 * @param ways by name: one round of each, in milliseconds. Behind each through brxy, the platform's own
 */
export async function compare(rounds, ways) {
  const names = Object.keys(ways)
  const times = Object.fromEntries(names.map((name) => [name, []]))
  // The first round of each pays for what the kernel has yet to read.
  for (let round = -1; round < rounds; round++)
    for (const name of names) {
      const tookMs = await ways[name]()
      if (round >= 0) times[name].push(tookMs)
    }
  const write = (line) => process.stdout.write(`${line}\n`)
  write(
    `node ${process.version}, ${cpus().length} x ${cpus()[0].model}, load ${loadavg()[0].toFixed(1)}, median of ${rounds}`,
  )
  const width = Math.max(...names.map((name) => name.length))
  for (const name of names)
    write(`${name.padEnd(width)}  ${median(times[name]).toFixed(0)} ms (${range(times[name])})`)
  for (let at = 0; at < names.length; at += 2) {
    const [brxy, own] = names.slice(at, at + 2)
    const moreMs = median(times[brxy]) - median(times[own])
    write(`${brxy}: ${Math.abs(moreMs).toFixed(0)} ms ${moreMs < 0 ? 'less' : 'more'} than ${own}`)
  }
}

/**
 * An edge with one app, at the host `localhost`, and nothing that runs.
 *
 * @param dir for its configuration and state
 * @param name of the scaler, with what is said to it for all apps and for this one
 * @param tunnel where linkers dial, if somebody has to know it before
 * @returns its port and what ends it
 */
export async function startEdge(dir, { name, scaler, app, tunnel = undefined }) {
  const port = await freePort()
  tunnel ??= await freePort()
  const config = {
    version: 1,
    listen: [`127.0.0.1:${port}`],
    tunnel: { bind: `127.0.0.1:${tunnel}`, advertise: `127.0.0.1:${tunnel}` },
    admin: { bind: '127.0.0.1:0' },
    stateDir: join(dir, 'state'),
    onExit: 'stop',
    secret: SECRET,
    scalers: { [name]: scaler },
    apps: { app: { hosts: ['localhost'], scaler: { [name]: app } } },
  }
  // JSON is YAML.
  writeFileSync(join(dir, 'brxy.yaml'), JSON.stringify(config))
  const edge = spawn(
    process.execPath,
    [join(root, 'apps/brxy/bin/brxy'), 'edge', '-f', join(dir, 'brxy.yaml')],
    {
      stdio: ['ignore', 'ignore', 'inherit'],
    },
  )
  const ended = new Promise((resolve) => edge.once('exit', resolve))
  const stop = async () => {
    edge.kill()
    await ended
  }
  const gone = ended.then(() => {
    throw new Error('the edge has ended')
  })
  gone.catch(() => {})
  while ((await Promise.race([status(port, 'nobody.localhost'), gone])) !== 404) await sleep(20)
  return { port, stop }
}

/** From a request to its answer. @throws if it is not 200 */
export async function askMs(port) {
  const since = performance.now()
  const answered = await status(port, 'localhost')
  if (answered !== 200) throw new Error(`the edge answered ${answered}`)
  return performance.now() - since
}

/**
 * From now until an application, which was started with the platform's own command, answers.
 *
 * @param command as it was started now @throws if it fails
 */
export async function untilAnsweredMs(port, command) {
  const since = performance.now()
  let failure = null
  command.catch((error) => (failure = error))
  while ((await status(port, 'localhost')) !== 200) {
    if (failure !== null) throw failure
    await sleep(2)
  }
  const tookMs = performance.now() - since
  await command
  return tookMs
}

/** @returns null if nobody answers */
export function status(port, host) {
  return new Promise((resolve) => {
    request({ host: '127.0.0.1', port, headers: { host }, agent: false }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode))
    })
      .on('error', () => resolve(null))
      .end()
  })
}

export function freePort() {
  return new Promise((resolve) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address()
      server.close(() => resolve(port))
    })
  })
}

function median(values) {
  const sorted = values.toSorted((a, b) => a - b)
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2
}

function range(values) {
  return `${Math.min(...values).toFixed(0)} to ${Math.max(...values).toFixed(0)}`
}
