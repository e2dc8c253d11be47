import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { Places } from './files.ts'
import { NAMESPACE } from './image.ts'

/** The containers of the node of a running engine: what tests do to their processes, past Kubernetes. */
export class NodeContainers {
  readonly #socket: string

  /** @param dir the engine's */
  constructor(dir: string) {
    this.#socket = new Places(dir).containerdSocket
  }

  /** Sends a signal to a container's first process. @param id as a pod's status has it: `containerd://...` */
  async signal(id: string, name: NodeJS.Signals): Promise<void> {
    await this.#ctr('tasks', 'kill', '--signal', name, bare(id))
  }

  /** The environment of a container's first process, byte for byte. */
  async environment(id: string): Promise<Record<string, string>> {
    const tasks = await this.#ctr('tasks', 'ls')
    const line = tasks.split('\n').find((each) => each.startsWith(bare(id)))
    const pid = line?.split(/\s+/)[1]
    if (pid === undefined) throw new Error(`there is no task of ${id}`)
    const entries = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0').slice(0, -1)
    return Object.fromEntries(
      entries.map((entry) => [entry.slice(0, entry.indexOf('=')), entry.slice(entry.indexOf('=') + 1)]),
    )
  }

  async #ctr(...args: string[]): Promise<string> {
    const { stdout } = await promisify(execFile)('ctr', ['-a', this.#socket, '-n', NAMESPACE, ...args])
    return stdout
  }
}

function bare(id: string): string {
  return id.replace(/^containerd:\/\//, '')
}
