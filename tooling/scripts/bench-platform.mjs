// What the benchmarks of cold starts on platforms have in common: an edge, a way to ask, and medians.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { root } from './run.mjs'

/** An edge with one app, for localhost. @returns its port, and what stops it with what it started */
export async function startEdge({ scaler, ofAll }) {
  const dir = mkdtempSync(join(tmpdir(), 'brxy-bench-'))
  const [port, tunnel] = [await freePort(), await freePort()]
  const config = {
    version: 1,
    listen: [`127.0.0.1:${port}`],
    tunnel: { bind: `127.0.0.1:${tunnel}`, advertise: `127.0.0.1:${tunnel}` },
    admin: { bind: '127.0.0.1:0' },
    stateDir: join(dir, 'state'),
    onExit: 'stop',
    secret: 'a secret that signs tokens',
    scalers: ofAll,
    apps: { app: { hosts: ['localhost'], scaler } },
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
  while ((await status(port, 'nobody.localhost')) !== 404) await sleep(20)
  const stop = async () => {
    edge.kill()
    await new Promise((resolve) => edge.once('exit', resolve))
    rmSync(dir, { recursive: true, force: true })
  }
  return { port, stop }
}

/** One request to the edge. @returns how long its answer took @throws if it is not 200 */
export async function held(port) {
  const since = performance.now()
  const answered = await status(port, 'localhost')
  if (answered !== 200) throw new Error(`the edge answered ${answered}`)
  return performance.now() - since
}

/** Two ways in turns. @returns the times of each, without the first, which pays for what the kernel has yet to read */
export async function inTurns(rounds, ways) {
  const times = Object.fromEntries(Object.keys(ways).map((name) => [name, []]))
  for (let round = -1; round < rounds; round++) {
    for (const [name, way] of Object.entries(ways)) {
      const tookMs = await way()
      if (round >= 0) times[name].push(tookMs)
    }
  }
  return times
}

/** Prints the medians of two ways and their difference: what is said of each, then its times. */
export function report(rounds, direct, brxy) {
  const say = (text) => process.stdout.write(`${text}\n`)
  const row = ([label, times]) => `${label.padEnd(34)} ${median(times).toFixed(0)} ms (${range(times)})`
  say(`node ${process.version}, ${cpus().length} x ${cpus()[0].model}, median of ${rounds}`)
  say(row(direct))
  say(row(brxy))
  say(`${'difference'.padEnd(34)} ${(median(brxy[1]) - median(direct[1])).toFixed(0)} ms`)
}

/** @returns null if nobody answers */
export function status(port, host = 'localhost') {
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
