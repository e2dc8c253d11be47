// From a request for an app of which nothing runs to its answer, with containers; beside `docker run` of the same image and
// application until it answers. In turns, in one run: node tooling/scripts/bench-docker.mjs [ROUNDS] (after pnpm build)
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { askMs, compare, engines, fill, freePort, startEdge, untilAnsweredMs } from './bench-launches.mjs'

const { startEngine } = await engines('started.js')
const { importImage } = await engines('docker/image.js')
const { run } = await engines('docker/run.js')

const rounds = Number(process.argv[2] ?? 10)
const IMAGE = 'brxy-bench/app'
const engine = await startEngine('docker')
const dir = mkdtempSync(join(tmpdir(), 'brxy-bench-docker-'))
const { env } = engine
let edge
try {
  const changes = ['ENV PATH=/bin', 'CMD ["brxy-link", "--", "node", "/app.mjs"]']
  await importImage(env.DOCKER_HOST, { name: IMAGE, changes, fill })
  const container = {
    Image: IMAGE,
    Env: ['SECONDS=0', 'BRXY_IDLE=100ms'],
    HostConfig: { NetworkMode: 'host' },
  }
  edge = await startEdge(dir, { name: 'docker', scaler: { host: env.DOCKER_HOST }, app: { container } })
  await compare(rounds, { 'a held request': brxyRound, 'docker run': dockerRound })
} finally {
  await edge?.stop()
  await engine.stop()
  rmSync(dir, { recursive: true, force: true })
}

async function brxyRound() {
  const tookMs = await askMs(edge.port)
  while ((await run('docker', ['ps', '-aq'], env)).trim() !== '') await sleep(50)
  return tookMs
}

async function dockerRound() {
  const port = await freePort()
  const flags = ['-d', '--init', '--network', 'host', '-e', 'SECONDS=0', '-e', `PORT=${port}`]
  const started = run('docker', ['run', ...flags, IMAGE, 'node', '/app.mjs'], env)
  const tookMs = await untilAnsweredMs(port, started)
  await run('docker', ['rm', '-f', (await started).trim()], env)
  return tookMs
}
