// `pnpm demo [--once] [-p PORT]`: an edge with a slow application behind it, four requests at once, and what happens.
// The application serves one request at a time and takes 3 s for each; four copies answer all four in little over 3 s.
import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { onOutermostEnd } from './outermost.mjs'
import { build, root } from './run.mjs'

const REQUESTS = 4
const SERVICE_SECONDS = 3
/** From the first request to the last answer; a slow machine needs a while to start four copies. */
const ANSWER_MS = 40_000

const { values } = parseArgs({
  options: {
    once: { type: 'boolean', default: false },
    port: { type: 'string', short: 'p', default: '8080' },
  },
})

let edge = null
let stopping = null
let exitCode = 0
const done = new Promise((resolve) => {
  const end = (code) => stop(code).then(resolve)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => end(0))
  onOutermostEnd(() => end(0))
  main().then(
    () => values.once && end(0),
    (error) => {
      // What breaks off because it is being stopped is no failure.
      if (stopping === null) say(`demo: ${error.message}`)
      end(1)
    },
  )
})
await done
process.exit(exitCode)

async function main() {
  await requireFreePort(Number(values.port))
  say('Building (quick when nothing changed) ...')
  if ((await build()) !== 0) throw new Error('the build failed, see above')
  if (stopping !== null) return
  const stateDir = await mkdtemp(join(tmpdir(), 'brxy-demo-'))
  const app = `node ${join('examples', 'demo', 'app.mjs')}`
  say(`\n$ brxy edge -p ${values.port} -- brxy link -- ${app}\n`)
  edge = spawn(
    process.execPath,
    [
      ...[
        join(root, 'apps/brxy/bin/brxy'),
        'edge',
        '-p',
        values.port,
        '--log',
        'text',
        '--state-dir',
        stateDir,
      ],
      ...['--', 'brxy', 'link', '--idle', '15s', '--', 'node', join(root, 'examples/demo/app.mjs')],
    ],
    // A session of its own: ^C reaches this script alone, which ends the edge in order.
    {
      detached: true,
      stdio: ['ignore', 'pipe', 'inherit'],
      env: { ...process.env, SECONDS: String(SERVICE_SECONDS) },
    },
  )
  edge.gone = new Promise((resolve) => edge.on('close', resolve)).finally(() =>
    rm(stateDir, { recursive: true, force: true }),
  )
  const lines = createInterface({ input: edge.stdout })
  const listening = new Promise((resolve) => lines.once('line', resolve))
  lines.on('line', say)
  const ended = edge.gone.then((code) => {
    if (stopping === null) throw new Error(`the edge ended with status ${code}`)
  })
  await Promise.race([listening, ended])
  if (stopping !== null) return
  say(
    `\nNothing runs yet. ${REQUESTS} requests at once, to an application that serves one at a time and takes ${SERVICE_SECONDS} s:\n`,
  )
  const since = performance.now()
  const answers = await Promise.race([
    Promise.all(Array.from({ length: REQUESTS }, (_, i) => ask(i + 1))),
    ended,
  ])
  if (stopping !== null) return
  const seconds = ((performance.now() - since) / 1000).toFixed(1)
  const copies = new Set(answers).size
  say(
    `\n${REQUESTS} answers from ${copies} copies in ${seconds} s; one copy alone would have needed ${REQUESTS * SERVICE_SECONDS} s.`,
  )
  if (values.once) return
  say(
    `\nIt keeps running: try  curl localhost:${values.port}  and watch copies come and go. Idle ones leave after 15 s (the newest after 30). ^C stops all of it.\n`,
  )
  await ended
}

async function ask(number) {
  const response = await fetch(`http://localhost:${values.port}/request-${number}`, {
    signal: AbortSignal.timeout(ANSWER_MS),
  })
  const text = (await response.text()).trim()
  if (response.status !== 200) throw new Error(`request ${number} was answered ${response.status}: ${text}`)
  return text.replace(/,.*/, '')
}

/** Whoever types `pnpm demo` should not read a stack trace because something else listens there. */
async function requireFreePort(port) {
  const server = createServer()
  try {
    await new Promise((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve))
  } catch (error) {
    const why =
      error.code === 'EADDRINUSE' ? 'is taken by another program' : `cannot be used (${error.message})`
    throw new Error(`port ${port} ${why}. Choose another one:  pnpm demo -p ${port + 1}`)
  }
  await new Promise((resolve) => server.close(resolve))
}

/** Ends the edge in order, once; the first reason is the exit code. */
function stop(code) {
  if (stopping === null) {
    exitCode = code
    stopping = endEdge()
  }
  return stopping
}

async function endEdge() {
  if (edge === null) return
  if (edge.exitCode === null && edge.signalCode === null) edge.kill('SIGTERM')
  await edge.gone
}

function say(line) {
  // The reader of the output may be gone already.
  if (process.stdout.writable) process.stdout.write(`${line}\n`)
}

process.stdout.on('error', () => {})
