import { copyFileSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  addBusybox,
  importNodeImage,
  KubernetesApi,
  kubernetesProgram,
  NodeContainers,
  type StartedEngine,
  sharedEngine,
} from '@brxy-tooling/engines'
import { afterAll, beforeAll } from 'vitest'
import { ApiRelay } from './relay.testkit.ts'

/** The first run on a machine builds Kubernetes. */
const BUILD_MS = 3_600_000
/** An instance for tests: it ends at SIGTERM, with 0 at SIGUSR1, with 9 at SIGHUP, and is not ready after SIGUSR2. */
export const IMAGE = 'brxy.test/instance:1'
const SCRIPT = `#!/bin/sh
trap 'exit 0' TERM USR1
trap 'exit 9' HUP
trap 'rm -f /tmp/ready' USR2
: >/tmp/ready
while :; do
  sleep 3600 &
  wait $!
done
`

/** A real Kubernetes, what tests do to it, and how adapters find it. */
export class TestKubernetes {
  readonly api: KubernetesApi
  readonly containers: NodeContainers
  readonly relay: ApiRelay
  readonly #engine: StartedEngine
  readonly #directory = mkdtempSync(join(tmpdir(), 'brxy-kubernetes-test-'))

  private constructor(engine: StartedEngine, api: KubernetesApi, relay: ApiRelay) {
    this.#engine = engine
    this.api = api
    this.relay = relay
    this.containers = new NodeContainers(engine.dir)
  }

  static async start(): Promise<TestKubernetes> {
    const engine = await sharedEngine('kubernetes')
    const api = new KubernetesApi(engine.env.KUBECONFIG as string)
    await importNodeImage(engine.dir, {
      name: IMAGE,
      fill: (rootfs) => {
        addBusybox(rootfs)
        copyFileSync('/bin/busybox', join(rootfs, 'bin/rm'))
        writeFileSync(join(rootfs, 'bin/instance'), SCRIPT, { mode: 0o755 })
      },
      config: { Cmd: ['/bin/instance'], Env: ['PATH=/bin'] },
    })
    return new TestKubernetes(engine, api, await ApiRelay.start(Number(new URL(api.server).port)))
  }

  /** The adapter's own options: by kubectl, through the relay. @param token whose, instead of the administrator's */
  options(token = this.api.token): object {
    const kubeconfig = join(this.#directory, `kubeconfig-${token.slice(-16)}`)
    const cluster = {
      server: this.relay.url,
      'certificate-authority-data': Buffer.from(this.api.ca).toString('base64'),
    }
    const content = {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name: 'test', cluster }],
      users: [{ name: 'test', user: { token } }],
      contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
      'current-context': 'test',
    }
    // Once: another case's kubectl may be reading it, and would find it empty.
    if (!existsSync(kubeconfig)) writeFileSync(kubeconfig, JSON.stringify(content), { mode: 0o600 })
    return { kubeconfig, transport: 'proxy', binary: kubernetesProgram('kubectl') }
  }

  async stop(): Promise<void> {
    this.api.close()
    await this.relay.close()
    await this.#engine.stop()
    rmSync(this.#directory, { recursive: true, force: true })
  }
}

/** Declares what is before and after all tests of a file. @returns what gives it to them, when they run */
export function shareKubernetes(): () => TestKubernetes {
  let kubernetes: TestKubernetes
  beforeAll(async () => {
    kubernetes = await TestKubernetes.start()
  }, BUILD_MS)
  afterAll(() => kubernetes?.stop())
  return () => kubernetes
}
