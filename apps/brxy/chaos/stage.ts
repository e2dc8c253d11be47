import { EdgeProcess, expectNoLeftovers, tempDir } from '@brxy-tooling/testkit'
import { afterEach, beforeEach } from 'vitest'
import { type Config, ConfigFile, launched } from '../e2e/config-file.ts'
import { Executions } from './executions.ts'

/** What a test of chaos has: an edge of its own with one app, and what the application's instances did. */
export class Stage {
  edge!: EdgeProcess
  file!: ConfigFile
  executions!: Executions
  #directory!: ReturnType<typeof tempDir>

  begin(): void {
    this.#directory = tempDir()
    this.file = new ConfigFile()
    this.executions = new Executions(this.#directory.path)
  }

  /** Writes the configuration: one app at localhost, whose instances the command starts. */
  set(command: readonly string[], app: object = {}, more: Config = {}): void {
    this.file.set({ shop: { hosts: ['localhost'], scaler: launched(command), ...app } }, more)
  }

  async start(command: readonly string[], app: object = {}, more: Config = {}): Promise<void> {
    this.set(command, app, more)
    this.edge = await EdgeProcess.start({ file: this.file.path, requests: false })
  }

  /** What the edge says of the app; undefined before it was asked for. */
  // biome-ignore lint/suspicious/noExplicitAny: tests look at the parts they know.
  async app(): Promise<any> {
    return (await this.edge.status()).apps[0]
  }

  async end(): Promise<void> {
    await this.edge.close()
    this.file.remove()
    this.#directory.remove()
    await expectNoLeftovers()
  }
}

/** A stage for each test of a file. */
export function staged(): Stage {
  const stage = new Stage()
  beforeEach(() => stage.begin())
  afterEach(() => stage.end())
  return stage
}
