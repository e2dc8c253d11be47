// `node tooling/scripts/bench-cold.mjs [rounds]`: from a request to its answer when nothing runs, beside the application's
// own start, in turns within one run: a Node application of one line, and busybox httpd beside a bare Node start. Prints medians,
// where the time goes, and for each aim whether it is reached; for busybox beside what Node and ws cost at least (cold-least.mjs).
// docs/performance.md quotes it. Loopback only, ends by itself.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { startLeast } from './cold-least.mjs'
import { root } from './run.mjs'

/** Of medians. */
const AIMS = { nodeMs: 60, busyboxStarts: 2.5 }
const rounds = Number(process.argv[2] ?? 20)
const dir = mkdtempSync(join(tmpdir(), 'brxy-cold-'))
// An extra certificate bundle costs every Node start 50 to 70 ms and has nothing to do with brxy.
const { NODE_EXTRA_CA_CERTS: _, ...inherited } = process.env
// A cache of its own: what is measured is a start after the first one.
const env = { ...inherited, XDG_CACHE_HOME: join(dir, 'cache') }
const brxy = join(root, 'apps/brxy/bin/brxy')
const ports = { edge: 19_204, tunnel: 19_205, admin: 19_206, app: 19_207, least: 19_208, leastTunnel: 19_209 }
const NODE_APP = "require('http').createServer((q,s)=>s.end('ok')).listen(+process.env.PORT,'127.0.0.1')"
const apps = {
  node: (_port) => [process.execPath, '-e', NODE_APP],
  busybox: (port) => ['busybox', 'httpd', '-f', '-p', `127.0.0.1:${port}`, '-h', dir],
}

writeFileSync(join(dir, 'index.html'), 'ok')
try {
  for (const name of Object.keys(apps)) await compare(name)
} finally {
  rmSync(dir, { recursive: true, force: true })
}

async function compare(name) {
  const events = []
  const edge = await startEdge(apps[name]('{port}'), events)
  const argv = apps[name](ports.app)
  const leastPorts = { port: ports.least, tunnelPort: ports.leastTunnel, appPort: ports.app }
  const least = await startLeast({ ...leastPorts, argv, env: { ...env, PORT: `${ports.app}` } })
  const took = { direct: [], brxy: [], bareNode: [], least: [] }
  const phases = { asked: [], spawned: [], 'linker up': [], ready: [], answered: [] }
  const told = { 'brxy-hold': [], 'brxy-launch': [], 'brxy-listen': [] }
  try {
    for (let round = 0; round <= rounds; round++) {
      const direct = await startDirectly(apps[name](ports.app))
      const bareNode = await bare()
      const { tookMs: leastMs } = await ask(ports.least, 'localhost')
      await least.idle()
      const host = `r${round}`
      const since = Date.now()
      const { tookMs: brxyMs, timing } = await ask(ports.edge, host)
      // What the last instance does while it leaves would be measured with the next start.
      while (find(events, 'launch process ended', host) === undefined) await pause(20)
      // The first round warms up.
      if (round === 0) continue
      took.direct.push(direct)
      took.bareNode.push(bareNode)
      took.least.push(leastMs)
      took.brxy.push(brxyMs)
      const at = (msg) => Date.parse(find(events, msg, host)?.time) - since
      phases.asked.push(at('launching'))
      phases.spawned.push(at('launch started'))
      phases['linker up'].push(at('connected'))
      phases.ready.push(at('ready'))
      phases.answered.push(brxyMs)
      for (const name of Object.keys(told))
        told[name].push(Number(new RegExp(`${name};dur=(\\d+)`).exec(timing)?.[1]))
    }
  } finally {
    least.close()
    edge.kill('SIGTERM')
    await once(edge, 'exit')
  }
  const [direct, through, bareNode, leastMs] = [took.direct, took.brxy, took.bareNode, took.least].map(median)
  console.log(
    `${name}: directly ${ms(direct)}, through brxy ${ms(through)}: ${ms(through - direct)} more; ` +
      `a bare Node start ${ms(bareNode)}, so ${(through / bareNode).toFixed(2)} of them`,
  )
  console.log(
    `  at least, by Node and ws: ${ms(leastMs)}, ${(leastMs / bareNode).toFixed(2)} bare Node starts`,
  )
  console.log(`  since the request: ${listed(phases)}`)
  console.log(`  Server-Timing: ${listed(told)}`)
  if (name === 'node')
    verdict('a Node application', through - direct, AIMS.nodeMs, 'ms on top of its own start')
  else verdict('busybox httpd', through / bareNode, AIMS.busyboxStarts, 'bare Node starts')
}

function verdict(what, value, aim, unit) {
  const outcome = value <= aim ? 'REACHED' : 'MISSED'
  console.log(`  ${outcome}: ${what} takes ${value.toFixed(value < 10 ? 2 : 0)} ${unit}; the aim is ${aim}`)
}

function find(events, msg, host) {
  return events.find((event) => event.msg === msg && (event.app === host || event.route === host))
}

function pause(timeMs) {
  return new Promise((resolve) => setTimeout(resolve, timeMs))
}

function listed(values) {
  return Object.entries(values)
    .map(([what, each]) => `${what} ${ms(median(each))}`)
    .join(', ')
}

async function startEdge(app, events) {
  const flags = [
    '-p',
    `${ports.edge}`,
    '--tunnel',
    `127.0.0.1:${ports.tunnel}`,
    '--admin',
    `127.0.0.1:${ports.admin}`,
  ]
  const link = ['brxy', 'link', '--idle', '200ms', '--', ...app]
  const words = ['edge', ...flags, '--state-dir', dir, '--log', 'json', '--requests', 'off', '--', ...link]
  const edge = spawn(process.execPath, [brxy, ...words], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  await new Promise((resolve) => {
    createInterface({ input: edge.stdout }).on('line', (line) => {
      if (!line.startsWith('{')) return
      const event = JSON.parse(line)
      events.push(event)
      if (event.msg === 'listening') resolve()
    })
  })
  return edge
}

/** The application on its own, asked as soon as it listens. */
async function startDirectly([command, ...args]) {
  const since = performance.now()
  const child = spawn(command, args, { env: { ...env, PORT: `${ports.app}` }, stdio: 'ignore' })
  for (;;) {
    try {
      await ask(ports.app, 'localhost')
      break
    } catch {
      await pause(1)
    }
  }
  const tookMs = performance.now() - since
  child.kill('SIGKILL')
  await once(child, 'exit')
  return tookMs
}

async function bare() {
  const since = performance.now()
  await once(spawn(process.execPath, ['-e', '0'], { env, stdio: 'ignore' }), 'exit')
  return performance.now() - since
}

function ask(port, host) {
  const since = performance.now()
  return new Promise((resolve, reject) => {
    request({ port, host: '127.0.0.1', headers: { host }, agent: false }, (response) => {
      response
        .resume()
        .on('end', () =>
          response.statusCode === 200
            ? resolve({ tookMs: performance.now() - since, timing: response.headers['server-timing'] })
            : reject(new Error(`status ${response.statusCode}`)),
        )
    })
      .on('error', reject)
      .end()
  })
}

function median(values) {
  return values.sort((a, b) => a - b)[Math.floor(values.length / 2)]
}

function ms(value) {
  return `${value.toFixed(0)} ms`
}
