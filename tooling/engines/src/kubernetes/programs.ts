import { join } from 'node:path'
import { binDirectory, type GoBuild } from '../go-build.ts'

const VERSION = '1.33.4'
/** Its components are published as modules of their own: k8s.io/api v0.33.4 belongs to k8s.io/kubernetes v1.33.4. */
const STAGING = VERSION.replace(/^1\./, 'v0.')

/** What its go.mod asks for. */
export const LEAST_GO = '1.24'

/** The real control plane, node agent and client of Kubernetes, as Go modules: no image registry is needed. */
export const KUBERNETES_BUILD: GoBuild = {
  name: `kubernetes-${VERSION}`,
  module: 'k8s.io/kubernetes',
  version: `v${VERSION}`,
  replace: (path) => `${path} ${STAGING}`,
  commands: ['kube-apiserver', 'kube-controller-manager', 'kube-scheduler', 'kubelet', 'kubectl'].map(
    (name) => `k8s.io/kubernetes/cmd/${name}`,
  ),
}

/** The path of one of them. */
export function program(name: string): string {
  return join(binDirectory(KUBERNETES_BUILD.name), name)
}
