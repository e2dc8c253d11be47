import type { DaemonCommand } from '../daemons.ts'
import { NODE, type Places, type Ports } from './files.ts'
import { program } from './programs.ts'

/** Tests make and remove much at once; by default their requests wait for each other: 20 to 50 a second. */
const UNTHROTTLED = ['--kube-api-qps=1000', '--kube-api-burst=2000'] as const

/** The daemons' commands, in the order in which they start. */
export function commands(places: Places, ports: Ports): Readonly<Record<DaemonName, DaemonCommand>> {
  const at = (...parts: string[]) => places.at(...parts)
  const etcd = `http://127.0.0.1:${ports.etcd}`
  const peer = `http://127.0.0.1:${ports.etcdPeer}`
  const kubeconfig = `--kubeconfig=${places.kubeconfig}`
  const argv = (...words: [string, ...string[]]): DaemonCommand => ({ argv: words })
  return {
    etcd: argv(
      'etcd',
      `--data-dir=${at('etcd')}`,
      `--listen-client-urls=${etcd}`,
      `--advertise-client-urls=${etcd}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      '--unsafe-no-fsync',
    ),
    apiserver: argv(
      program('kube-apiserver'),
      `--etcd-servers=${etcd}`,
      `--cert-dir=${at('pki')}`,
      `--secure-port=${ports.api}`,
      '--bind-address=127.0.0.1',
      '--advertise-address=127.0.0.1',
      '--endpoint-reconciler-type=none',
      '--service-account-issuer=https://kubernetes.default.svc',
      `--service-account-key-file=${at('pki', 'accounts.pem')}`,
      `--service-account-signing-key-file=${at('pki', 'accounts.pem')}`,
      `--token-auth-file=${at('tokens.csv')}`,
      '--authorization-mode=RBAC',
      '--service-cluster-ip-range=10.0.0.0/24',
    ),
    'controller-manager': argv(
      program('kube-controller-manager'),
      kubeconfig,
      ...UNTHROTTLED,
      '--leader-elect=false',
      '--secure-port=0',
      '--controllers=*,-nodeipam,-cloud-node-lifecycle,-service-lb-controller,-node-route-controller',
      `--flex-volume-plugin-dir=${at('volume-plugins')}`,
      `--service-account-private-key-file=${at('pki', 'accounts.pem')}`,
      `--root-ca-file=${places.ca}`,
    ),
    scheduler: argv(
      program('kube-scheduler'),
      kubeconfig,
      ...UNTHROTTLED,
      '--leader-elect=false',
      '--secure-port=0',
    ),
    containerd: argv('containerd', `--config=${at('containerd.toml')}`),
    kubelet: argv(
      program('kubelet'),
      kubeconfig,
      `--config=${at('kubelet.json')}`,
      `--hostname-override=${NODE}`,
      '--node-ip=127.0.0.1',
      `--root-dir=${at('kubelet')}`,
      `--cert-dir=${at('pki', 'kubelet')}`,
    ),
  }
}

export type DaemonName = 'etcd' | 'apiserver' | 'controller-manager' | 'scheduler' | 'containerd' | 'kubelet'
