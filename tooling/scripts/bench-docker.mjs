// From a request for an app of which nothing runs to its answer, with containers; beside `docker run` of the same image and
// application until it answers. In turns, in one run: node tooling/scripts/bench-docker.mjs [ROUNDS] (after pnpm build)
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import { createServer } from 'node:net'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { root } from './run.mjs'

const engines = (name) => import(join(root, 'tooling/engines/dist', name))
const { startEngine } = await engines('started.js')
const { importImage } = await engines('docker/image.js')
const { run } = await engines('docker/run.js')
const { add, addBusybox, addLinker, addNode } = await engines('rootfs.js')

const rounds = Number(process.argv[2] ?? 10)
const IMAGE = 'brxy-bench/app'
const engine = await startEngine('docker')
const dir = mkdtempSync(join(tmpdir(), 'brxy-bench-docker-'))
const env = { ...engine.env }
let edge
try {
  await importImage(env.DOCKER_HOST, {
    name: IMAGE,
    changes: ['ENV PATH=/bin', 'CMD ["brxy-link", "--", "node", "/app.mjs"]'],
    fill(rootfs) {
      addBusybox(rootfs)
      addNode(rootfs)
      addLinker(rootfs)
      add(rootfs, join(root, 'examples/demo/app.mjs'), '/app.mjs')
      mkdirSync(join(rootfs, 'root'))
    },
  })
  const port = await startEdge()
  const times = { brxy: [], docker: [] }
  // The first of each pays for what the kernel has yet to read.
  for (let round = -1; round < rounds; round++) {
    const brxy = await brxyRound(port)
    const docker = await dockerRound()
    if (round >= 0) {
      times.brxy.push(brxy)
      times.docker.push(docker)
    }
  }
  const [brxy, docker] = [median(times.brxy), median(times.docker)]
  process.stdout.write(
    `node ${process.version}, ${cpus().length} x ${cpus()[0].model}, median of ${rounds}\n`,
  )
  process.stdout.write(`docker run until it answers   ${docker.toFixed(0)} ms (${range(times.docker)})\n`)
  process.stdout.write(`a held request's answer       ${brxy.toFixed(0)} ms (${range(times.brxy)})\n`)
  process.stdout.write(`difference                    ${(brxy - docker).toFixed(0)} ms\n`)
} finally {
  if (edge !== undefined) {
    edge.kill()
    await new Promise((resolve) => edge.once('exit', resolve))
  }
  await engine.stop()
  rmSync(dir, { recursive: true, force: true })
}

async function startEdge() {
  const [port, tunnel] = [await freePort(), await freePort()]
  const container = {
    Image: IMAGE,
    Env: ['SECONDS=0', 'BRXY_IDLE=100ms'],
    HostConfig: { NetworkMode: 'host' },
  }
  const config = {
    version: 1,
    listen: [`127.0.0.1:${port}`],
    tunnel: { bind: `127.0.0.1:${tunnel}`, advertise: `127.0.0.1:${tunnel}` },
    admin: { bind: '127.0.0.1:0' },
    stateDir: join(dir, 'state'),
    onExit: 'stop',
    secret: 'a secret that signs tokens',
    scalers: { docker: { host: env.DOCKER_HOST } },
    apps: { app: { hosts: ['localhost'], scaler: { docker: { container } } } },
  }
  // JSON is YAML.
  writeFileSync(join(dir, 'brxy.yaml'), JSON.stringify(config))
  edge = spawn(process.execPath, [join(root, 'apps/brxy/bin/brxy'), 'edge', '-f', join(dir, 'brxy.yaml')], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  while ((await status(port, 'nobody.localhost')) !== 404) await sleep(20)
  return port
}

async function brxyRound(port) {
  const since = performance.now()
  const answered = await status(port, 'localhost')
  if (answered !== 200) throw new Error(`the edge answered ${answered}`)
  const tookMs = performance.now() - since
  while ((await run('docker', ['ps', '-aq'], env)).trim() !== '') await sleep(50)
  return tookMs
}

async function dockerRound() {
  const port = await freePort()
  const since = performance.now()
  const flags = ['-d', '--init', '--network', 'host', '-e', 'SECONDS=0', '-e', `PORT=${port}`]
  const started = run('docker', ['run', ...flags, IMAGE, 'node', '/app.mjs'], env)
  while ((await status(port, 'localhost')) !== 200) await sleep(2)
  const tookMs = performance.now() - since
  await run('docker', ['rm', '-f', (await started).trim()], env)
  return tookMs
}

/** @returns null if nobody answers */
function status(port, host) {
  return new Promise((resolve) => {
    request({ host: '127.0.0.1', port, headers: { host }, agent: false }, (response) => {
      response.resume()
      response.on('end', () => resolve(response.statusCode))
    })
      .on('error', () => resolve(null))
      .end()
  })
}

function freePort() {
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
