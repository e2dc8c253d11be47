// From a request for an app of which nothing runs to its answer, with the shipped parameterized job on Nomad; beside
// `nomad job dispatch` of a job with the same driver and application, alone, until it answers. In turns, in one run:
// node tooling/scripts/bench-nomad.mjs [ROUNDS] (after pnpm build)
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { askMs, compare, engines, freePort, startEdge, untilAnsweredMs } from './bench-launches.mjs'
import { root } from './run.mjs'

const { startEngine } = await engines('started.js')
const { NOMAD_PROGRAM } = await engines('nomad/program.js')
const { run } = await engines('docker/run.js')

const rounds = Number(process.argv[2] ?? 10)
const APP = [process.execPath, join(root, 'examples/demo/app.mjs')]
/** MHz, which become shares of the processor: with the 100 of the example whatever else this machine does would be measured. */
const CPU = 2000
/** The application as it is, at a port that it is told. */
const BARE = `
job "bare" {
  type = "batch"
  parameterized { meta_required = ["PORT"] }
  group "app" {
    restart {
      attempts = 0
      mode     = "fail"
    }
    task "app" {
      driver = "raw_exec"
      config {
        command = "${APP[0]}"
        args    = ["${APP[1]}"]
      }
      env {
        PORT    = "\${NOMAD_META_PORT}"
        SECONDS = "0"
      }
      resources { cpu = ${CPU} }
    }
  }
}`

const engine = await startEngine('nomad')
const { NOMAD_ADDR, NOMAD_TOKEN } = engine.env
const dir = mkdtempSync(join(tmpdir(), 'brxy-bench-nomad-'))
let edge
try {
  const shipped = readFileSync(join(root, 'examples/nomad/shop.nomad.hcl'), 'utf8')
  await register(shipped.replace(/cpu +=.*/, `cpu = ${CPU}`), {
    link: join(root, 'packages/linker/bin/brxy-link'),
    flags: ['--idle', '100ms'],
    app: ['env', 'SECONDS=0', ...APP],
  })
  await register(BARE)
  const scaler = { address: NOMAD_ADDR, token: NOMAD_TOKEN }
  edge = await startEdge(dir, { name: 'nomad', scaler, app: { job: 'shop' } })
  await compare(rounds, { 'a held request': brxyRound, 'nomad job dispatch': nomadRound })
} finally {
  await edge?.stop()
  await engine.stop()
  rmSync(dir, { recursive: true, force: true })
}

async function brxyRound() {
  const tookMs = await askMs(edge.port)
  await untilIdle()
  return tookMs
}

async function nomadRound() {
  const port = await freePort()
  const dispatched = run(
    NOMAD_PROGRAM,
    ['job', 'dispatch', '-detach', '-meta', `PORT=${port}`, 'bare'],
    engine.env,
  )
  const tookMs = await untilAnsweredMs(port, dispatched)
  const [, id] = /Dispatched Job ID += (\S+)/.exec(await dispatched)
  await ask('DELETE', `/v1/job/${encodeURIComponent(id)}?purge=true`)
  await untilIdle()
  return tookMs
}

/** Nothing runs. */
async function untilIdle() {
  const isThere = ({ ClientStatus }) => ClientStatus === 'running' || ClientStatus === 'pending'
  while ((await ask('GET', '/v1/allocations')).some(isThere)) await sleep(50)
}

async function register(JobHCL, variables = {}) {
  const Variables = Object.entries(variables)
    .map(([name, value]) => `${name} = ${JSON.stringify(value)}`)
    .join('\n')
  const Job = await ask('POST', '/v1/jobs/parse', { JobHCL, Variables, Canonicalize: true })
  await ask('POST', '/v1/jobs', { Job })
}

async function ask(method, path, body) {
  const answer = await fetch(`${NOMAD_ADDR}${path}`, {
    method,
    headers: { 'x-nomad-token': NOMAD_TOKEN },
    ...(body && { body: JSON.stringify(body) }),
  })
  const text = await answer.text()
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
  return text === '' ? undefined : JSON.parse(text)
}
