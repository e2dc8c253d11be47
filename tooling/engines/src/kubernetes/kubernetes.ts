import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { startDaemon, stopDaemons, untilReady } from '../daemons.ts'
import type { Engine, Log } from '../engine.ts'
import { makeEngineFolder } from '../folder.ts'
import { binDirectory, buildCommands, isBuilt, missingGo } from '../go-build.ts'
import { isOnPath } from '../on-path.ts'
import { freePorts } from '../ports.ts'
import { commands, type DaemonName } from './daemons.ts'
import { endContainers, recordFixed, removeFixed } from './down.ts'
import { CNI_BIN, NODE, Places, type Ports, writeFiles } from './files.ts'
import { buildPause, importPause, isPauseBuilt } from './pause.ts'
import { KUBERNETES_BUILD, LEAST_GO, program } from './programs.ts'

const run = promisify(execFile)

/** A start of the control plane takes 3 s alone; a busy machine takes its time. */
const READY_MS = 120_000
const PACKAGES: Readonly<Record<string, string>> = {
  etcd: 'etcd-server',
  containerd: 'containerd',
  ctr: 'containerd',
  runc: 'runc',
  openssl: 'openssl',
}

/** A real control plane and one real node, without a network of pods: they use the host's. */
export const kubernetes: Engine = {
  name: 'kubernetes',

  async missing() {
    if (process.getuid?.() !== 0) return 'it needs root, for containers'
    const go = kubernetes.isBuilt() ? null : await missingGo(LEAST_GO)
    if (go !== null) return go
    const packages = Object.keys(PACKAGES)
      .filter((name) => !isOnPath(name))
      .map((name) => PACKAGES[name] as string)
    if (!existsSync(join(CNI_BIN, 'loopback'))) packages.push('containernetworking-plugins')
    const unique = [...new Set(packages)]
    return unique.length === 0 ? null : `apt-get install ${unique.join(' ')}`
  },

  isBuilt: () => isBuilt(KUBERNETES_BUILD) && isPauseBuilt(),

  async build(log) {
    await buildCommands(KUBERNETES_BUILD, log)
    await buildPause()
  },

  async up(dir, log) {
    try {
      return await start(new Places(dir), log)
    } catch (error) {
      await kubernetes.down(dir)
      throw error
    }
  },

  async down(dir) {
    const places = new Places(dir)
    await endContainers(places)
    await stopDaemons(places.at('daemons'))
    await endContainers(places)
    removeFixed(places)
  },
}

async function start(places: Places, log: Log): Promise<Readonly<Record<string, string>>> {
  const [etcd, etcdPeer, api, kubelet] = await freePorts(4)
  const ports = { etcd, etcdPeer, api, kubelet } as Ports
  makeEngineFolder(places.dir, 'kubernetes')
  recordFixed(places)
  writeFiles(places, ports, await snapshotter(places))
  await run('openssl', ['genrsa', '-out', places.at('pki', 'accounts.pem'), '2048'])
  const all = commands(places, ports)
  const daemon = async (name: DaemonName) => {
    log(`starting ${name}`)
    await startDaemon(places.at('daemons'), name, all[name])
  }
  const ready = (name: DaemonName, isReady: () => Promise<boolean>) =>
    untilReady(places.at('daemons'), name, isReady, READY_MS)
  const succeeds = (...args: string[]) =>
    kubectl(places, ...args).then(
      () => true,
      () => false,
    )
  await daemon('etcd')
  await daemon('containerd')
  await daemon('apiserver')
  await ready('apiserver', () => succeeds('get', '--raw', '/readyz'))
  await daemon('controller-manager')
  await daemon('scheduler')
  await ready('containerd', async () => existsSync(places.containerdSocket))
  await importPause(places.dir)
  await daemon('kubelet')
  await ready('kubelet', () => succeeds('wait', '--for=condition=Ready', `node/${NODE}`, '--timeout=1s'))
  await giveAddress(places)
  await ready('controller-manager', () =>
    succeeds('get', 'serviceaccount/default', 'configmap/kube-root-ca.crt'),
  )
  const bin = binDirectory(KUBERNETES_BUILD.name)
  return { KUBECONFIG: places.kubeconfig, PATH: `${bin}${delimiter}${process.env.PATH}` }
}

/** The kubelet takes no loopback address for the node's own, and says none; without one nobody could `kubectl exec` or see logs. */
async function giveAddress(places: Places): Promise<void> {
  const status = { addresses: [{ type: 'InternalIP', address: '127.0.0.1' }] }
  const words = ['--subresource=status', '--type=merge', '-p', JSON.stringify({ status })]
  await kubectl(places, 'patch', `node/${NODE}`, ...words)
}

async function kubectl(places: Places, ...args: string[]): Promise<string> {
  const { stdout } = await run(program('kubectl'), ['--kubeconfig', places.kubeconfig, ...args])
  return stdout
}

/** overlayfs shares an image's files; native copies them for each container, and works everywhere. */
async function snapshotter(places: Places): Promise<'overlayfs' | 'native'> {
  const [lower, upper, work, merged] = ['lower', 'upper', 'work', 'merged'].map((each) =>
    places.at('overlay-probe', each),
  ) as [string, string, string, string]
  try {
    await run('mkdir', ['-p', lower, upper, work, merged])
    const options = `lowerdir=${lower},upperdir=${upper},workdir=${work}`
    await run('mount', ['-t', 'overlay', 'overlay', '-o', options, merged])
    await run('umount', [merged])
    return 'overlayfs'
  } catch {
    return 'native'
  }
}
