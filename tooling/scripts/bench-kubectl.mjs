// From a request for an app of which nothing runs to its answer, with a Job for each launch and with replicas of a Deployment;
// beside `kubectl create` of such a Job, and `kubectl scale` from 0 to 1, of the same image and application until it answers. A
// pod with a volume, such as that of a token, takes almost 300 ms more: so there are Deployments with one, and without.
// In turns, in one run: node tooling/scripts/bench-kubectl.mjs [ROUNDS] (after pnpm build)
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import {
  askMs,
  compare,
  engines,
  fill,
  freePort,
  SECRET,
  startEdge,
  untilAnsweredMs,
} from './bench-launches.mjs'
import { root } from './run.mjs'

const { startEngine } = await engines('started.js')
const { importNodeImage } = await engines('kubernetes/image.js')
const { KubernetesApi } = await engines('kubernetes/api.js')
const { program } = await engines('kubernetes/programs.js')

const rounds = Number(process.argv[2] ?? 10)
const IMAGE = 'brxy-bench/app:1'
const PODS = '/api/v1/namespaces/default/pods'
const SECRETS = '/api/v1/namespaces/default/secrets'
const JOBS = '/apis/batch/v1/namespaces/default/jobs'
const DEPLOYMENTS = '/apis/apps/v1/namespaces/default/deployments'
const INSTANCE = { name: 'BRXY_INSTANCE', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } }
const TOKEN = { name: 'BRXY_TOKEN', valueFrom: { secretKeyRef: { name: 'token', key: 'token' } } }
/** As examples/kubernetes/deployment.yaml has it. */
const TOKEN_FILE = { BRXY_TOKEN_FILE: '/var/run/secrets/brxy/token' }
const MOUNT = { volumeMounts: [{ name: 'brxy', mountPath: '/var/run/secrets/brxy', readOnly: true }] }
const engine = await startEngine('kubernetes')
const { KUBECONFIG: kubeconfig } = engine.env
const api = new KubernetesApi(kubeconfig)
const dir = mkdtempSync(join(tmpdir(), 'brxy-bench-kubectl-'))
const scaler = { kubeconfig, transport: 'proxy', binary: program('kubectl') }
const edges = []
try {
  await importNodeImage(engine.dir, { name: IMAGE, fill, config: { Env: ['PATH=/bin'] } })
  const port = await freePort()
  const own = { env: variables({ PORT: port }), command: ['node', '/app.mjs'] }
  const template = JSON.stringify(job({ env: variables({ BRXY_IDLE: '100ms' }) }))
  const jobs = await edgeOf('jobs', { template })
  await api.create(SECRETS, { metadata: { name: 'token' }, data: { token: await token() } })
  await api.create(DEPLOYMENTS, deployment('direct', own))
  await api.create(DEPLOYMENTS, deployment('direct-volume', { ...own, ...MOUNT }))
  const replicas = await edgeOfReplicas('linked', { env: [TOKEN] })
  const replicasWithVolume = await edgeOfReplicas('linked-volume', { env: variables(TOKEN_FILE), ...MOUNT })
  await compare(rounds, {
    'a held request, by a Job': () => brxyRound(jobs),
    'kubectl create': () => createRound(port, job(own)),
    'a held request, by a Deployment': () => brxyRound(replicas),
    'kubectl scale': () => scaleRound('direct', port),
    'a held request, by a Deployment with a volume': () => brxyRound(replicasWithVolume),
    'kubectl scale, with a volume': () => scaleRound('direct-volume', port),
  })
} finally {
  for (const edge of edges) await edge.stop()
  api.close()
  await engine.stop()
  rmSync(dir, { recursive: true, force: true })
}

async function edgeOf(name, app, tunnel) {
  const own = join(dir, name)
  mkdirSync(own)
  const edge = await startEdge(own, { name: 'kubectl', scaler, app, tunnel })
  edges.push(edge)
  return edge
}

/** In base64. */
async function token() {
  const words = [join(root, 'apps/brxy/bin/brxy'), 'token', '--route', 'app', '--state-dir', dir]
  const env = { ...process.env, BRXY_SECRET: SECRET }
  const { stdout } = await promisify(execFile)(process.execPath, words, { env })
  return Buffer.from(stdout.trim()).toString('base64')
}

async function brxyRound(edge) {
  const tookMs = await askMs(edge.port)
  await untilNone()
  return tookMs
}

async function createRound(port, object) {
  const file = join(dir, 'job.json')
  writeFileSync(file, JSON.stringify({ ...object, metadata: { name: 'direct' } }))
  const tookMs = await untilAnsweredMs(port, kubectl('create', '-f', file))
  await api.delete(`${JOBS}/direct`)
  await untilNone()
  return tookMs
}

async function scaleRound(name, port) {
  const tookMs = await untilAnsweredMs(port, kubectl('scale', `deployment/${name}`, '--replicas=1'))
  await api.patch(`${DEPLOYMENTS}/${name}`, { spec: { replicas: 0 } })
  await untilNone()
  return tookMs
}

/** What goes on leaving would be measured with the next start. */
async function untilNone() {
  while ((await api.list(PODS)).length + (await api.list(JOBS)).length > 0) await sleep(50)
}

function kubectl(...words) {
  return promisify(execFile)(program('kubectl'), ['--kubeconfig', kubeconfig, ...words])
}

function job(container) {
  const spec = { ...podSpec(container), restartPolicy: 'Never' }
  return { apiVersion: 'batch/v1', kind: 'Job', spec: { template: { spec } } }
}

/** A Deployment of that name, and an edge that scales it. @param container how it gets its token */
async function edgeOfReplicas(name, { env, ...container }) {
  const tunnel = await freePort()
  const said = variables({ BRXY_EDGE: `127.0.0.1:${tunnel}`, ROUTE: 'app', BRXY_IDLE: '100ms' })
  await api.create(DEPLOYMENTS, deployment(name, { env: [...said, INSTANCE, ...env], ...container }))
  return edgeOf(name, { workload: `deployment/${name}` }, tunnel)
}

function deployment(name, container) {
  const labels = { app: name }
  const secret = { name: 'token', items: [{ key: 'token', path: 'token' }] }
  const volumes = container.volumeMounts && [{ name: 'brxy', projected: { sources: [{ secret }] } }]
  const template = { metadata: { labels }, spec: { ...podSpec(container), volumes } }
  return { metadata: { name }, spec: { replicas: 0, selector: { matchLabels: labels }, template } }
}

/** Pods use the node's network, for there is no other. An application that is alone in one heeds no SIGTERM, and is not waited for. */
function podSpec(container) {
  const containers = [
    { name: 'app', image: IMAGE, command: ['brxy-link', '--', 'node', '/app.mjs'], ...container },
  ]
  const terminationGracePeriodSeconds = container.command === undefined ? 45 : 1
  return { hostNetwork: true, automountServiceAccountToken: false, terminationGracePeriodSeconds, containers }
}

function variables(env) {
  return Object.entries({ SECONDS: 0, ...env }).map(([name, value]) => ({ name, value: `${value}` }))
}
