import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { ScalerError } from '@brxy/scaler'
import { type ApiTarget, RetryPace } from '@brxy/scaler/api'
import type { Transport } from './transport.ts'

/** A kubectl proxy that takes longer to listen has failed: it does not even call the API for that. */
const START_MS = 10_000
/** Longest time that a call waits until one that ended may be started again; beyond it, it hears why there is none. */
const MAX_WAIT_MS = 1_000
/** End of what it said, kept for the error. */
const MAX_SAID = 2_048

/** How kubectl is called. */
export interface KubectlCommand {
  readonly binary: string
  /** `--context X --kubeconfig Y`. */
  readonly flags: readonly string[]
}

// The proxy must not outlive an edge that was killed: it would go on offering the operator's rights. The guard reads the
// pipe whose other end the edge holds, so it hears of any death.
const GUARDED = `
exec 3<&0
"$@" </dev/null 3<&- &
proxy=$!
(read -r _ <&3; kill $proxy 2>/dev/null; rm -rf "$DIRECTORY") &
guard=$!
exec 3<&-
wait $proxy
status=$?
kill $guard 2>/dev/null
exit $status
`
const SHELL = '/bin/sh'

/** A running proxy. */
interface Running {
  readonly child: ChildProcess
  readonly directory: string
  readonly target: Promise<ApiTarget>
}

/**
 * One child `kubectl proxy` that listens on a socket nobody else can open, offers one namespace and no more, and is
 * started again when it dies. kubectl brings the kubeconfig, exec plugins and token refresh along.
 */
export class KubectlProxy implements Transport {
  readonly #command: KubectlCommand
  readonly #namespace: string | undefined
  #running: Running | null = null
  readonly #pace = new RetryPace()
  /** Why the last one ended. */
  #failure = ''
  #isClosed = false
  #found: Promise<string> | null = null

  /** @param namespace that it offers; undefined: the context's */
  constructor(command: KubectlCommand, namespace: string | undefined) {
    this.#command = command
    this.#namespace = namespace
  }

  async target(signal: AbortSignal): Promise<ApiTarget> {
    const namespace = await this.namespace(signal)
    if (this.#running === null) await this.#mayStart(signal)
    if (this.#isClosed) throw new ScalerError('scaler/closed', 'the kubectl scaler was closed')
    this.#running ??= this.#start(namespace)
    return this.#running.target
  }

  async namespace(signal: AbortSignal): Promise<string> {
    if (this.#namespace !== undefined) return this.#namespace
    this.#found ??= this.#contextNamespace().catch((error) => {
      this.#found = null
      throw error
    })
    signal.throwIfAborted()
    return this.#found
  }

  refresh(): void {
    // kubectl's to do.
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const running = this.#running
    if (running === null) return
    const { child } = running
    const exited = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : null
    // Its guard, or a kubectl without one, ends it.
    child.stdin?.destroy()
    child.kill('SIGTERM')
    await exited
    rmSync(running.directory, { recursive: true, force: true })
  }

  async #mayStart(signal: AbortSignal): Promise<void> {
    const waitMs = this.#pace.waitMs(performance.now())
    if (waitMs === 0) return
    if (waitMs <= MAX_WAIT_MS) return sleep(waitMs, undefined, { signal })
    const when = `it is started again in ${Math.ceil(waitMs / 1_000)} s`
    throw new ScalerError('scaler/unavailable', `${this.#failure}; ${when}`)
  }

  async #contextNamespace(): Promise<string> {
    const { binary, flags } = this.#command
    const args = [...flags, 'config', 'view', '--minify', '-o', 'jsonpath={..namespace}']
    try {
      const { stdout } = await promisify(execFile)(binary, args, { timeout: START_MS })
      return stdout.trim() || 'default'
    } catch (error) {
      throw notRunning(binary, (error as { stderr?: string }).stderr ?? '', error)
    }
  }

  #start(namespace: string): Running {
    const { binary, flags } = this.#command
    // mkdtemp makes it 0700. Not below the state directory: a socket's path has at most 107 bytes.
    const directory = mkdtempSync(join(tmpdir(), 'brxy-kubectl-'))
    const socketPath = join(directory, 'api.sock')
    const argv = [
      binary,
      ...flags,
      'proxy',
      `--unix-socket=${socketPath}`,
      `--accept-paths=${acceptedPaths(namespace)}`,
    ]
    const [program = binary, ...args] = existsSync(SHELL) ? [SHELL, '-c', GUARDED, SHELL, ...argv] : argv
    const child = spawn(program, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, DIRECTORY: directory },
      // ^C is the edge's to handle: it still needs its proxy then.
      detached: true,
    })
    this.#pace.begun(performance.now())
    const target = listening(child, binary).then(() => {
      this.#pace.succeeded()
      return { where: `the socket of "${binary} proxy"`, socketPath }
    })
    const running: Running = { child, directory, target }
    target.catch((error: Error) => {
      this.#failure = error.message
    })
    child.once('close', () => {
      rmSync(directory, { recursive: true, force: true })
      if (this.#running === running) this.#running = null
    })
    return running
  }
}

/** What this adapter calls, of one namespace, as a regular expression of kubectl's (RE2). */
export function acceptedPaths(namespace: string): string {
  const objects = [
    'api/v1/namespaces/NS/(pods|events)',
    'apis/batch/v1/namespaces/NS/jobs',
    'apis/apps/v1/namespaces/NS/(deployments|statefulsets)',
  ]
  const paths = objects.join('|').replaceAll('NS', namespace.replaceAll('.', '\\.'))
  return `^/(${paths})(/[a-z0-9.-]+(/scale)?)?$`
}

/** Resolves when it says that it listens. */
function listening(child: ChildProcess, binary: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = ''
    const fail = (cause?: unknown) => {
      clearTimeout(timer)
      reject(notRunning(binary, said, cause))
    }
    const timer = setTimeout(() => {
      child.kill('SIGTERM')
      fail(new Error(`it does not listen after ${START_MS / 1000} s`))
    }, START_MS).unref()
    for (const stream of [child.stdout, child.stderr]) {
      // It says more later (each request that it refuses): that must go somewhere.
      stream?.on('data', (chunk: Buffer) => {
        said = `${said}${chunk}`.slice(-MAX_SAID)
        if (!said.includes('Starting to serve')) return
        clearTimeout(timer)
        unreference(child)
        resolve()
      })
    }
    // It has ended before it was told to.
    child.stdin?.on('error', () => {})
    child.once('error', fail)
    child.once('close', () => fail())
  })
}

/** A proxy that listens is no reason for this process to stay. */
function unreference(child: ChildProcess): void {
  child.unref()
  for (const pipe of [child.stdin, child.stdout, child.stderr]) (pipe as Socket | null)?.unref()
}

function notRunning(binary: string, said: string, cause: unknown): ScalerError {
  const isMissing =
    (cause as NodeJS.ErrnoException | undefined)?.code === 'ENOENT' ||
    /: (exec: )?[^ ]+: not found\s*$/.test(said)
  const why = isMissing
    ? 'not found; install it, or name it with the option "binary" of the scaler'
    : said.trim() || String(cause ?? 'it ended')
  return new ScalerError('scaler/unavailable', `cannot run "${binary}": ${why}`, { cause })
}
