// `node tooling/scripts/bench.mjs [connections] [rounds] [seconds]`: edge + linker beside HAProxy in two hops, in front of
// the same nginx (`return 200`), in turns within one run. Needs nginx, haproxy and wrk. Prints medians and ratios;
// docs/performance.md quotes it. Loopback only, and it ends by itself.
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { root } from './run.mjs'

const [connections = '64', rounds = '5', seconds = '3'] = process.argv.slice(2)
const dir = mkdtempSync(join(tmpdir(), 'brxy-bench-'))
const children = []
// An extra certificate bundle costs every Node start 50 to 70 ms and has nothing to do with the data path.
const { NODE_EXTRA_CA_CERTS: _, ...env } = process.env
const brxy = join(root, 'apps/brxy/bin/brxy')
const ports = { app: 19_101, first: 19_102, second: 19_103, edge: 19_104, tunnel: 19_105, admin: 19_106 }

try {
  await main()
} finally {
  for (const child of children.reverse()) child.kill('SIGTERM')
  await Promise.all(
    children.map((child) => child.exitCode ?? new Promise((resolve) => child.once('exit', resolve))),
  )
  rmSync(dir, { recursive: true, force: true })
}

async function main() {
  writeFileSync(
    join(dir, 'nginx.conf'),
    `worker_processes 1; daemon off; pid ${dir}/nginx.pid; error_log ${dir}/nginx.err; ${process.getuid?.() === 0 ? 'user root;' : ''}
events { worker_connections 4096; }
http { access_log off; keepalive_requests 100000000; keepalive_timeout 600s;
  server { listen 127.0.0.1:${ports.app} backlog=4096; location / { return 200 "hello world\\n"; } } }`,
  )
  start('nginx', ['-p', dir, '-c', join(dir, 'nginx.conf')])
  const hops = [haproxy('second', ports.second, ports.app), haproxy('first', ports.first, ports.second)]
  const edge = start(process.execPath, [
    brxy,
    'edge',
    '-p',
    String(ports.edge),
    '--tunnel',
    `127.0.0.1:${ports.tunnel}`,
    '--admin',
    `127.0.0.1:${ports.admin}`,
    '--state-dir',
    dir,
    '--log',
    'json',
    '--requests',
    'off',
  ])
  await answers(`http://127.0.0.1:${ports.admin}/healthz`)
  const token = execFileSync(process.execPath, [brxy, 'token', '-r', '*', '--state-dir', dir], {
    env,
    encoding: 'utf8',
  }).trim()
  const linker = start(
    process.execPath,
    [
      join(root, 'packages/linker/bin/brxy-link'),
      '-e',
      `127.0.0.1:${ports.tunnel}`,
      '-r',
      '127.0.0.1',
      '-c',
      String(Number(connections) * 2),
      '--to',
      `127.0.0.1:${ports.app}`,
      '--log',
      'json',
    ],
    { BRXY_TOKEN: token },
  )
  const subjects = [
    { name: 'HAProxy x2', url: `http://127.0.0.1:${ports.first}/`, pids: hops.map((hop) => hop.pid) },
    { name: 'brxy', url: `http://127.0.0.1:${ports.edge}/`, pids: [edge.pid, linker.pid] },
  ]
  for (const { url } of subjects) await answers(url)
  const results = new Map(subjects.map(({ name }) => [name, []]))
  for (let round = 0; round <= Number(rounds); round++) {
    for (const subject of subjects) {
      const result = measure(subject)
      // The first round warms up.
      if (round > 0) results.get(subject.name).push(result)
    }
  }
  print(subjects, results)
  process.stdout.write(
    `resident after the run: edge ${rssMiB(edge.pid)} MiB, linker ${rssMiB(linker.pid)} MiB\n`,
  )
}

function start(command, args, extra = {}) {
  const child = spawn(command, args, { stdio: ['ignore', 'ignore', 'inherit'], env: { ...env, ...extra } })
  children.push(child)
  return child
}

function haproxy(name, port, target) {
  const file = join(dir, `${name}.cfg`)
  writeFileSync(
    file,
    `global
  maxconn 4000
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  http-reuse always
frontend f
  bind 127.0.0.1:${port}
  default_backend b
backend b
  server s 127.0.0.1:${target} maxconn ${Number(connections) * 2} pool-max-conn -1
`,
  )
  return start('haproxy', ['-f', file, '-q', '-db'])
}

async function answers(url) {
  for (let tries = 0; tries < 200; tries++) {
    try {
      const response = await fetch(url)
      await response.arrayBuffer()
      if (response.ok) return
    } catch {}
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`nothing answers at ${url}`)
}

function measure({ name, url, pids }) {
  const before = pids.map(cpuUs)
  const text = execFileSync('wrk', ['-t1', `-c${connections}`, `-d${seconds}s`, '--latency', url], {
    encoding: 'utf8',
  })
  const used = pids.map((pid, at) => cpuUs(pid) - before[at])
  if (/Socket errors|Non-2xx/.test(text)) throw new Error(`${name} failed requests:\n${text}`)
  const requests = Number(/(\d+) requests in/.exec(text)[1])
  return {
    rps: Number(/Requests\/sec:\s+([\d.]+)/.exec(text)[1]),
    p50: milliseconds(/\n\s+50%\s+(\S+)/.exec(text)[1]),
    p99: milliseconds(/\n\s+99%\s+(\S+)/.exec(text)[1]),
    cpu: used.reduce((a, b) => a + b, 0) / requests,
  }
}

/** Processor time of all threads so far, in microseconds. */
function cpuUs(pid) {
  let ns = 0
  for (const task of readdirSync(`/proc/${pid}/task`))
    ns += Number(readFileSync(`/proc/${pid}/task/${task}/schedstat`, 'utf8').split(' ')[0])
  return ns / 1000
}

function rssMiB(pid) {
  return Math.round(Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))[1]) / 1024)
}

function milliseconds(text) {
  const [, number, unit] = /([\d.]+)(us|ms|s)/.exec(text)
  return Number(number) * { us: 0.001, ms: 1, s: 1000 }[unit]
}

function median(values) {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)]
}

function print(subjects, results) {
  process.stdout.write(
    `${connections} connections, ${rounds} rounds of ${seconds} s, ${cpus().length} cores (${cpus()[0].model}), Node ${process.version}\n\n`,
  )
  process.stdout.write(
    '| | requests/s | p50 ms | p99 ms | CPU us/request | rps ratio [min-max] | p50 ratio | CPU ratio |\n|---|---|---|---|---|---|---|---|\n',
  )
  const base = results.get(subjects[0].name)
  for (const { name } of subjects) {
    const own = results.get(name)
    const ratio = (key) => own.map((result, at) => result[key] / base[at][key])
    const rps = ratio('rps')
    const cells = [
      ...[median(own.map((r) => r.rps)).toFixed(0), median(own.map((r) => r.p50)).toFixed(2)],
      ...[median(own.map((r) => r.p99)).toFixed(2), median(own.map((r) => r.cpu)).toFixed(1)],
      `${median(rps).toFixed(2)} [${Math.min(...rps).toFixed(2)}-${Math.max(...rps).toFixed(2)}]`,
      ...[median(ratio('p50')).toFixed(2), median(ratio('cpu')).toFixed(2)],
    ]
    process.stdout.write(`| ${name} | ${cells.join(' | ')} |\n`)
  }
}
