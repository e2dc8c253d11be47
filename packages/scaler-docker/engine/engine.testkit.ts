import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Host, Scaler } from '@brxy/scaler'
import {
  addBusybox,
  type EngineName,
  importImage,
  type StartedEngine,
  sharedEngine,
} from '@brxy-tooling/engines'
import docker from '../src/index.ts'
import { EngineApi } from './api.testkit.ts'
import { SocketProxy } from './socket-proxy.testkit.ts'

/** An image with a shell. */
export const IMAGE = 'brxy-test/box'
/** Runs until it is told to end, and does so at once, with status 0. */
export const UNTIL_TOLD = ['sh', '-c', 'trap "exit 0" TERM INT; while :; do sleep 3600 & wait; done']

/** A real Engine that the files of a run share, with adapters that reach it through a proxy. */
export class TestEngine {
  readonly api: EngineApi
  readonly proxy: SocketProxy
  readonly #engine: StartedEngine
  readonly #directory = mkdtempSync(join(tmpdir(), 'brxy-docker-test-'))

  private constructor(engine: StartedEngine) {
    this.#engine = engine
    this.api = new EngineApi(engine.env.DOCKER_HOST as string)
    this.proxy = new SocketProxy(this.path('proxy.sock'), this.api.socket)
  }

  static async start(name: EngineName): Promise<TestEngine> {
    const engine = await sharedEngine(name)
    const started = new TestEngine(engine)
    try {
      await started.proxy.open()
      await importImage(engine.env.DOCKER_HOST as string, {
        name: IMAGE,
        fill: addBusybox,
        changes: ['ENV PATH=/bin'],
      })
    } catch (error) {
      await started.stop()
      throw error
    }
    return started
  }

  /** Of a file of this test file's own. */
  path(name: string): string {
    return join(this.#directory, name)
  }

  make(host: Host): Scaler {
    return docker({ socket: this.proxy.path }, host)
  }

  async stop(): Promise<void> {
    await this.proxy.close()
    await this.#engine.stop()
    rmSync(this.#directory, { recursive: true, force: true })
  }
}
