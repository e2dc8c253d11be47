import { execFile } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { add, addBusybox, addLinker, addNode, importImage } from '@brxy-tooling/engines'
import { EdgeProcess, eventually, freePorts, tempDir } from '@brxy-tooling/testkit'
import { dump } from 'js-yaml'

const DEMO = fileURLToPath(new URL('../../../examples/demo/app.mjs', import.meta.url))
const exec = promisify(execFile)

/** The image of a real application with a linker: `brxy-link` and /app.mjs. */
export const APP_IMAGE = 'brxy-test/app'

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
      mkdirSync(join(rootfs, 'root'))
    },
  })
}

/** A real edge whose apps are started in the Engine at `host`. */
export class DockerEdge {
  readonly edge: EdgeProcess
  readonly #host: string
  readonly #remove: () => void

  private constructor(edge: EdgeProcess, host: string, remove: () => void) {
    this.edge = edge
    this.#host = host
    this.#remove = remove
  }

  /** @param apps what each app says of itself; its scaler is `docker`. @param scaler what is said for all */
  static async start(
    host: string,
    apps: Readonly<Record<string, object>>,
    { docker = { host }, more = {} }: { docker?: object; more?: object } = {},
  ): Promise<DockerEdge> {
    const dir = tempDir()
    const [tunnel] = await freePorts(1)
    const file = join(dir.path, 'brxy.yaml')
    const config = {
      version: 1,
      listen: ['127.0.0.1:0'],
      tunnel: { bind: `127.0.0.1:${tunnel}`, advertise: `ws://127.0.0.1:${tunnel}` },
      admin: { bind: '127.0.0.1:0' },
      stateDir: 'state',
      onExit: 'stop',
      secret: 'a secret that signs tokens',
      scalers: { docker },
      apps,
      ...more,
    }
    const { writeFileSync } = await import('node:fs')
    writeFileSync(file, dump(config))
    return new DockerEdge(await EdgeProcess.start({ file }), host, dir.remove)
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
