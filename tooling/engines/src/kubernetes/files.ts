import { randomBytes } from 'node:crypto'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** The one node. */
export const NODE = 'node1'
/** What the sandbox of each pod runs. */
export const PAUSE_IMAGE = 'brxy.test/pause:1'
/** Debian's containernetworking-plugins. */
export const CNI_BIN = '/usr/lib/cni'

/** Ports on 127.0.0.1. */
export interface Ports {
  readonly etcd: number
  readonly etcdPeer: number
  readonly api: number
  readonly kubelet: number
}

/** Where everything is, below the engine's directory. */
export class Places {
  readonly dir: string
  constructor(dir: string) {
    this.dir = dir
  }
  at(...parts: string[]): string {
    return join(this.dir, ...parts)
  }
  get containerdSocket(): string {
    return this.at('containerd.sock')
  }
  get kubeconfig(): string {
    return this.at('kubeconfig')
  }
  /** The API server's own certificate, which is signed by nobody else. */
  get ca(): string {
    return this.at('pki', 'apiserver.crt')
  }
}

/** Writes what the daemons read. @returns the token of the administrator */
export function writeFiles(places: Places, ports: Ports, snapshotter: string): string {
  for (const directory of ['pki', 'cni', 'daemons', 'pod-logs', 'volume-plugins'])
    mkdirSync(places.at(directory), { recursive: true, mode: 0o700 })
  const token = randomBytes(16).toString('hex')
  const write = (name: string, text: string) => writeFileSync(places.at(name), text, { mode: 0o600 })
  write('tokens.csv', `${token},admin,admin,system:masters\n`)
  write('kubeconfig', kubeconfig(places, ports, token))
  write('containerd.toml', containerdConfig(places, snapshotter))
  write('kubelet.json', JSON.stringify(kubeletConfig(places, ports)))
  // The node becomes ready with a network that has nothing but loopback; pods use the host's.
  write(
    'cni/loopback.conflist',
    JSON.stringify({ cniVersion: '0.4.0', name: 'loopback', plugins: [{ type: 'loopback' }] }),
  )
  return token
}

/** In JSON, which is YAML. The CA is a file that the API server writes when it first starts. */
function kubeconfig(places: Places, { api }: Ports, token: string): string {
  const name = 'brxy'
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server: `https://127.0.0.1:${api}`, 'certificate-authority': places.ca } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  })
}

function containerdConfig(places: Places, snapshotter: string): string {
  return `version = 2
root = "${places.at('containerd-root')}"
state = "${places.at('containerd-state')}"
disabled_plugins = ["io.containerd.snapshotter.v1.aufs", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.zfs", "io.containerd.internal.v1.tracing", "io.containerd.tracing.processor.v1.otlp"]
[grpc]
  address = "${places.containerdSocket}"
[plugins."io.containerd.internal.v1.opt"]
  path = "${places.at('containerd-opt')}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${PAUSE_IMAGE}"
  # Lowering oom_score_adj needs more rights than a test machine's root may have.
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "${snapshotter}"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${CNI_BIN}"
    conf_dir = "${places.at('cni')}"
`
}

function kubeletConfig(places: Places, { kubelet }: Ports): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    address: '127.0.0.1',
    port: kubelet,
    readOnlyPort: 0,
    healthzPort: 0,
    authentication: { anonymous: { enabled: true }, webhook: { enabled: false } },
    authorization: { mode: 'AlwaysAllow' },
    cgroupDriver: 'cgroupfs',
    cgroupsPerQOS: false,
    enforceNodeAllocatable: [],
    failSwapOn: false,
    failCgroupV1: false,
    oomScoreAdj: 0,
    makeIPTablesUtilChains: false,
    containerRuntimeEndpoint: `unix://${places.containerdSocket}`,
    volumePluginDir: places.at('volume-plugins'),
    podLogsDir: places.at('pod-logs'),
    resolvConf: '',
    imageGCHighThresholdPercent: 100,
    evictionHard: { 'memory.available': '1Mi', 'nodefs.available': '1Mi', 'imagefs.available': '1Mi' },
    // The tests ask for pods and wait for them.
    kubeAPIQPS: 1000,
    kubeAPIBurst: 2000,
    eventRecordQPS: 0,
    syncFrequency: '5s',
    nodeStatusUpdateFrequency: '5s',
  }
}
