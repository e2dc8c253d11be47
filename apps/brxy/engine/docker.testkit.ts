import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { add, addBusybox, addLinker, addNode, importImage } from '@brxy-tooling/engines'
import {
  type Answer,
  BRXY,
  EdgeProcess,
  type EdgeProcessOptions,
  eventually,
  freePorts,
  type LoggedEvent,
  tempDir,
} from '@brxy-tooling/testkit'
import { dump } from 'js-yaml'
import { expect } from 'vitest'

const DEMO = fileURLToPath(new URL('../../../examples/demo/app.mjs', import.meta.url))
/** Answers at once with what POD says, and goes on until the client ends its request. */
const UNTIL = fileURLToPath(new URL('kubernetes/app.mjs', import.meta.url))
const SECRET = 'a secret that signs tokens'
const exec = promisify(execFile)

/** The image of a real application with a linker: `brxy-link` and /app.mjs. */
export const APP_IMAGE = 'brxy-test/app'

/** The same image with an application for `openRequest()`. */
export const UNTIL_TOLD = ['brxy-link', '--', 'node', '/until.mjs'] as const

/** Makes {@link APP_IMAGE} in the Engine at `host`. */
export async function importApp(host: string): Promise<void> {
  await importImage(host, {
    name: APP_IMAGE,
    changes: ['ENV PATH=/bin', 'CMD ["brxy-link", "--", "node", "/app.mjs"]'],
    fill(rootfs) {
      addBusybox(rootfs)
      addNode(rootfs)
      addLinker(rootfs)
      add(rootfs, DEMO, '/app.mjs')
      add(rootfs, UNTIL, '/until.mjs')
      mkdirSync(join(rootfs, 'root'))
    },
  })
}

export interface DockerEdgeOptions {
  /** What is said for all apps (default: the Engine's host). */
  readonly docker?: object
  /** In the file, beside the apps. */
  readonly more?: object
  /** The port at which linkers find it (default: a free one). */
  readonly tunnel?: number
  readonly process?: Pick<EdgeProcessOptions, 'env' | 'under'>
}

/** A real edge whose apps are started in the Engine at `host`. */
export class DockerEdge {
  edge: EdgeProcess
  readonly #host: string
  readonly #file: string
  readonly #remove: () => void

  private constructor(edge: EdgeProcess, host: string, file: string, remove: () => void) {
    this.edge = edge
    this.#host = host
    this.#file = file
    this.#remove = remove
  }

  /**
   * @param host of the Engine, for the tests
   * @param apps what each app says of itself; its scaler is `docker`
   */
  static async start(
    host: string,
    apps: Readonly<Record<string, object>>,
    { docker = { host }, more = {}, tunnel = 0, process = {} }: DockerEdgeOptions = {},
  ): Promise<DockerEdge> {
    const dir = tempDir()
    const port = tunnel || (await freePorts(1))[0]
    const file = join(dir.path, 'brxy.yaml')
    const config = {
      version: 1,
      listen: ['127.0.0.1:0'],
      tunnel: { bind: `127.0.0.1:${port}`, advertise: `ws://127.0.0.1:${port}` },
      admin: { bind: '127.0.0.1:0' },
      stateDir: 'state',
      onExit: 'stop',
      secret: SECRET,
      scalers: { docker },
      apps,
      ...more,
    }
    writeFileSync(file, dump(config))
    return new DockerEdge(await EdgeProcess.start({ file, ...process }), host, file, dir.remove)
  }

  /** The docker command's answer, in lines. */
  async docker(...args: string[]): Promise<string[]> {
    return dockerLines(this.#host, ...args)
  }

  /** Ids of the containers that run. */
  running(): Promise<string[]> {
    return this.docker('ps', '-q')
  }

  /** Waits for a number of containers, running or not. */
  async untilContainers(count: number, timeoutMs?: number): Promise<void> {
    const all = async () => (await this.docker('ps', '-aq')).length === count
    await eventually(`${count} containers`, all, timeoutMs)
  }

  /** A token for linkers that nobody gives one. */
  async token(route: string): Promise<string> {
    const words = ['token', '--route', route, '--state-dir', this.edge.stateDir]
    const { stdout } = await exec(process.execPath, [BRXY, ...words], {
      env: { ...process.env, BRXY_SECRET: SECRET },
    })
    return stdout
  }

  /** Another edge process with the same configuration and state. */
  async restart(): Promise<void> {
    await this.edge.close()
    this.edge = await EdgeProcess.start({ file: this.#file })
  }

  async close(): Promise<void> {
    await this.edge.close()
    this.#remove()
  }
}

/** What a docker command prints, in lines. */
export async function dockerLines(host: string, ...args: string[]): Promise<string[]> {
  const { stdout } = await exec('docker', args, { env: { ...process.env, DOCKER_HOST: host } })
  return stdout.split('\n').filter((line) => line !== '')
}

/** Somebody's service without replicas, as docs/scalers.md asks for it. @param flags more of `docker service create` */
export async function createService(
  host: string,
  name: string,
  flags: readonly string[] = [],
  image: readonly string[] = [APP_IMAGE],
): Promise<void> {
  const own = [
    '--detach',
    '--no-resolve-image',
    '--name',
    name,
    '--replicas',
    '0',
    '--network',
    'host',
    '--init',
  ]
  const ends = ['--restart-condition', 'none', '--stop-grace-period', '45s']
  await dockerLines(host, 'service', 'create', ...own, ...ends, ...flags, ...image)
}

/** The client learned the class of the problem, soon, and nothing of the inside. */
export function expectProblem(answer: Answer, problem: string): void {
  expect(answer.status, answer.text).toBe(503)
  expect(answer.json()).toMatchObject({ code: 'edge/cannot-start', problem })
  expect(answer.text).not.toMatch(/nope\.invalid|docker|status 3/i)
}

/** Of the lines about a failed launch: the edge's, beside the adapter's own. */
export function hasProblem({ problem }: LoggedEvent): boolean {
  return problem !== undefined
}

export function messageOf(problem: unknown): string {
  return (problem as { message: string }).message
}
