import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { BRXY, type EdgeProcess, runToEnd, tempDir } from '@brxy-tooling/testkit'
import { dump } from 'js-yaml'

/** What stands in a file, as a program would write it down. */
export interface Config {
  readonly apps?: Readonly<Record<string, object>>
  readonly [key: string]: unknown
}

/** On free ports, with its state beside the file, and nothing left running after it. */
const QUIET = {
  version: 1,
  listen: ['127.0.0.1:0'],
  tunnel: { bind: '127.0.0.1:0' },
  admin: { bind: '127.0.0.1:0' },
  stateDir: 'state',
  onExit: 'stop',
}

/** A brxy.yaml in a temporary directory of its own. */
export class ConfigFile {
  readonly directory: string
  readonly path: string
  readonly remove: () => void

  constructor() {
    const { path, remove } = tempDir()
    this.directory = path
    this.path = join(path, 'brxy.yaml')
    this.remove = remove
  }

  /** Writes a text as it is. */
  write(text: string): void {
    writeFileSync(this.path, text)
  }

  /** Writes a configuration of a quiet edge with these apps, and whatever else. */
  set(apps: Readonly<Record<string, object>>, more: Config = {}): void {
    this.write(asYaml(apps, more))
  }

  /** Writes another file, below the same directory. @returns its path */
  beside(name: string, text: string): string {
    const path = join(this.directory, name)
    mkdirSync(dirname(path), { recursive: true })
    writeFileSync(path, text)
    return path
  }

  /** A `brxy` command that runs where the file is. */
  run(words: readonly string[], env: Readonly<Record<string, string>> = {}) {
    return runToEnd(process.execPath, [BRXY, ...words], { env, cwd: this.directory })
  }

  /** `brxy reload` for an edge that runs. */
  reload(edge: EdgeProcess, words: readonly string[] = [], env: Readonly<Record<string, string>> = {}) {
    return this.run(['reload', '--admin', edge.admin, '--state-dir', edge.stateDir, ...words], env)
  }
}

/** The text of what {@link ConfigFile.set} writes. */
export function asYaml(apps: Readonly<Record<string, object>>, more: Config = {}): string {
  return dump({ ...QUIET, ...more, apps })
}

/** `scaler:` of an app that the command starts. */
export function launched(command: readonly string[]): { readonly shell: object } {
  return { shell: { command } }
}
