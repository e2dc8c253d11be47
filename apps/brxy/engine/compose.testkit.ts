import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  addBrxy,
  addBusybox,
  addNode,
  addProgram,
  importImage,
  networkOf,
  type StartedEngine,
} from '@brxy-tooling/engines'
import { Running, runToEnd } from '@brxy-tooling/testkit'

const EXAMPLE = fileURLToPath(new URL('../../../examples/docker', import.meta.url))
/** Images are built, containers drain. */
const COMMAND_MS = 120_000

/** Stands for npm, as there is no registry: what it is asked for is there already, as it was built last. */
const NPM = `#!/bin/sh
case "$*" in
  'install --global brxy') ln -s /brxy/bin/brxy /usr/local/bin/brxy ;;
  'install --global @brxy/linker') ln -s /brxy/node_modules/@brxy/linker/bin/brxy-link /usr/local/bin/brxy-link ;;
  *) echo "npm: no such words: $*" >&2; exit 1 ;;
esac
`

/** Makes the image on which the Dockerfiles of examples/docker are based, for the daemon at `host`. */
export function importBase(host: string): Promise<void> {
  return importImage(host, {
    name: 'node:22-slim',
    fill(rootfs) {
      addBusybox(rootfs)
      addNode(rootfs)
      addBrxy(rootfs)
      addProgram(rootfs, '/usr/bin/install', '/usr/bin/install')
      symlinkSync('/bin/busybox', join(rootfs, 'usr/bin/env'))
      for (const folder of ['root', 'usr/local/bin', 'var/lib'])
        mkdirSync(join(rootfs, folder), { recursive: true })
      writeFileSync(join(rootfs, 'bin/npm'), NPM, { mode: 0o755 })
    },
  })
}

/** A folder of a user, with what examples/docker has, and the `docker compose` of that user. */
export class ComposeProject {
  readonly dir: string
  readonly #engine: StartedEngine
  readonly #env: Readonly<Record<string, string>>

  /**
   * @param within where the folder is to be
   * @param name of the folder, and so of the project
   * @param env of the user, beside what leads to the Engine
   */
  constructor(
    engine: StartedEngine,
    within: string,
    name = 'shop',
    env: Readonly<Record<string, string>> = {},
  ) {
    this.#engine = engine
    this.#env = env
    this.dir = join(within, name)
    cpSync(EXAMPLE, this.dir, { recursive: true })
    writeFileSync(join(this.dir, 'secret'), 'a secret that signs tokens\n', { mode: 0o600 })
  }

  /** `docker compose WORDS` in that folder. @throws with all it said, if it fails */
  compose(...words: string[]): Promise<string> {
    return this.docker('compose', ...words)
  }

  /** `docker WORDS` in that folder. @throws with all it said, if it fails */
  docker(...words: string[]): Promise<string> {
    return this.#run('docker', words)
  }

  /** A line of a page or of a file's first lines, in that folder, as it stands. @throws with all it said, if it fails */
  shell(line: string): Promise<string> {
    return this.#run('sh', ['-c', line])
  }

  async #run(command: string, words: readonly string[]): Promise<string> {
    const { code, stdout, stderr } = await runToEnd(command, words, {
      cwd: this.dir,
      // The builder of the Engine itself: the other one is a plugin, which Debian has not.
      env: { ...this.#engine.env, DOCKER_BUILDKIT: '0', ...this.#env },
      timeoutMs: COMMAND_MS,
    })
    if (code !== 0) throw new Error(`${command} ${words.join(' ')} ended with ${code}:\n${stdout}${stderr}`)
    return stdout
  }

  /** Images of the containers that run, sorted. */
  async running(): Promise<string[]> {
    const lines = await this.docker('ps', '--format', '{{.Image}}')
    return lines.split('\n').filter(Boolean).sort()
  }

  /** Whether an instance serves a request, as the edge in its container says. */
  async isBusy(): Promise<boolean> {
    const status = JSON.parse(await this.compose('exec', '-T', 'edge', 'brxy', 'status', '--json'))
    return JSON.stringify(status).includes('"busy":1')
  }

  /** Somebody on the machine of that Engine who asks a published port. */
  curl(...words: string[]): Running {
    const curl = ['curl', '--silent', '--show-error', '--max-time', '90', ...words]
    return new Running('nsenter', [`--net=${networkOf(this.#engine.dir)}`, ...curl])
  }

  /** Status and text of the answer to `GET url`. */
  async ask(url: string): Promise<{ status: number; text: string }> {
    const curl = this.curl('--write-out', '\n%{http_code}', url)
    await curl.ends(COMMAND_MS)
    const [status = '', ...text] = curl.stdout.split('\n').reverse()
    return { status: Number(status), text: text.reverse().join('\n') }
  }
}
