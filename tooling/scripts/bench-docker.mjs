// From a request for an app of which nothing runs to its answer, with containers; beside `docker run` of the same image and
// application until it answers. In turns, in one run: node tooling/scripts/bench-docker.mjs [ROUNDS] (after pnpm build)
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort, held, inTurns, report, startEdge, status } from './bench-platform.mjs'
import { root } from './run.mjs'

const engines = (name) => import(join(root, 'tooling/engines/dist', name))
const { startEngine } = await engines('started.js')
const { importImage } = await engines('docker/image.js')
const { run } = await engines('docker/run.js')
const { add, addBusybox, addLinker, addNode } = await engines('rootfs.js')

const rounds = Number(process.argv[2] ?? 10)
const IMAGE = 'brxy-bench/app'
const engine = await startEngine('docker')
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
  const container = {
    Image: IMAGE,
    Env: ['SECONDS=0', 'BRXY_IDLE=100ms'],
    HostConfig: { NetworkMode: 'host' },
  }
  edge = await startEdge({
    scaler: { docker: { container } },
    ofAll: { docker: { host: env.DOCKER_HOST } },
  })
  const times = await inTurns(rounds, { brxy: () => brxyRound(edge.port), docker: dockerRound })
  report(rounds, ['docker run until it answers', times.docker], ["a held request's answer", times.brxy])
} finally {
  await edge?.stop()
  await engine.stop()
}

async function brxyRound(port) {
  const tookMs = await held(port)
  while ((await run('docker', ['ps', '-aq'], env)).trim() !== '') await sleep(50)
  return tookMs
}

async function dockerRound() {
  const port = await freePort()
  const since = performance.now()
  const flags = ['-d', '--init', '--network', 'host', '-e', 'SECONDS=0', '-e', `PORT=${port}`]
  const started = run('docker', ['run', ...flags, IMAGE, 'node', '/app.mjs'], env)
  while ((await status(port)) !== 200) await sleep(2)
  const tookMs = performance.now() - since
  await run('docker', ['rm', '-f', (await started).trim()], env)
  return tookMs
}
