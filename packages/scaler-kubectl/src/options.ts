import { defineOptions, type Options } from '@brxy/options'

/** What is said once for all apps. */
export const KUBECTL_OPTIONS = defineOptions({
  context: { kind: 'string', doc: 'Context of the kubeconfig (default: its current one).' },
  kubeconfig: {
    kind: 'string',
    doc: "Path of the kubeconfig, relative to `directory` (default: kubectl's: $KUBECONFIG, else ~/.kube/config).",
  },
  namespace: {
    kind: 'string',
    doc: "Namespace of apps that say none (default: the service account's, the context's, or `default`).",
  },
  binary: {
    kind: 'string',
    default: 'kubectl',
    doc: 'The kubectl to run, on PATH or by its path, relative to `directory`.',
  },
  transport: {
    kind: 'enum',
    values: ['auto', 'proxy', 'incluster'],
    default: 'auto',
    doc: 'How the API is reached: by a `kubectl proxy`, or by the service account of the pod that this edge runs in; `auto` is the service account where there is one and neither context nor kubeconfig is given.',
  },
  directory: {
    kind: 'string',
    doc: 'Directory to which paths are relative (default: that of the configuration file, else the working directory).',
  },
})

/** What is said for each app. */
export const APP_OPTIONS = defineOptions({
  template: {
    kind: 'string',
    doc: 'A Job or a Pod, as YAML or as the path of a file, of which one is made for each launch.',
  },
  workload: {
    kind: 'string',
    doc: 'Instead of a template: `deployment/NAME` or `statefulset/NAME`, whose replicas are the instances.',
  },
  container: {
    kind: 'string',
    doc: 'The container that the linker runs in (default: the first one).',
  },
  namespace: { kind: 'string', doc: "Where it runs (default: the scaler's `namespace`)." },
})

export type KubectlOptions = Options<typeof KUBECTL_OPTIONS>
