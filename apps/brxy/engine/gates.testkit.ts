import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { tempDir } from '@brxy-tooling/testkit'

const APP = fileURLToPath(new URL('gated-app.mjs', import.meta.url))

/** Instances of gated-app.mjs, each of which answers when a test lets it. */
export class Gates {
  readonly remove: () => void
  readonly #directory: string

  constructor() {
    const { path, remove } = tempDir()
    this.#directory = path
    this.remove = remove
  }

  /** The application that a linker runs. */
  get app(): readonly string[] {
    return [process.execPath, APP, this.#directory]
  }

  /** Who has begun to serve a request, once for each request, in the order of that. */
  get started(): readonly string[] {
    const file = join(this.#directory, 'started')
    return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : []
  }

  /** This instance answers what it is asked, and what it has been asked. */
  open(name: string): void {
    writeFileSync(join(this.#directory, `open-${name}`), '')
  }

  shut(name: string): void {
    rmSync(join(this.#directory, `open-${name}`))
  }
}
