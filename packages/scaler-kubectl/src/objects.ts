// What this adapter reads of the API's objects (https://kubernetes.io/docs/reference/kubernetes-api/). Everything that
// a server may leave out is optional.

/** ObjectMeta. Times are RFC 3339. */
export interface Metadata {
  readonly name: string
  readonly namespace?: string
  readonly uid?: string
  readonly resourceVersion?: string
  readonly generation?: number
  readonly creationTimestamp?: string
  readonly deletionTimestamp?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly annotations?: Readonly<Record<string, string>>
}

/** A condition of any object. */
export interface Condition {
  readonly type: string
  readonly status: 'True' | 'False' | 'Unknown'
  readonly reason?: string
  readonly message?: string
  readonly lastTransitionTime?: string
}

/** ContainerStatus. */
export interface ContainerStatus {
  readonly name: string
  readonly ready?: boolean
  readonly restartCount?: number
  readonly state?: ContainerState
  readonly lastState?: ContainerState
}

export interface ContainerState {
  readonly waiting?: { readonly reason?: string; readonly message?: string }
  readonly running?: { readonly startedAt?: string }
  readonly terminated?: {
    readonly exitCode: number
    readonly reason?: string
    readonly message?: string
    readonly finishedAt?: string
  }
}

export interface Container {
  readonly name: string
  readonly env?: readonly EnvVar[]
  readonly [field: string]: unknown
}

export interface EnvVar {
  readonly name: string
  readonly value?: string
  readonly valueFrom?: { readonly fieldRef?: { readonly fieldPath?: string } }
}

export interface PodSpec {
  readonly containers: readonly Container[]
  readonly restartPolicy?: string
  readonly terminationGracePeriodSeconds?: number
  readonly [field: string]: unknown
}

export interface PodTemplate {
  readonly metadata?: Partial<Metadata>
  readonly spec: PodSpec
}

export interface Pod {
  readonly metadata: Metadata
  readonly spec?: {
    readonly initContainers?: readonly { readonly name: string; readonly restartPolicy?: string }[]
  }
  readonly status?: {
    readonly phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown'
    readonly reason?: string
    readonly message?: string
    readonly startTime?: string
    readonly conditions?: readonly Condition[]
    readonly initContainerStatuses?: readonly ContainerStatus[]
    readonly containerStatuses?: readonly ContainerStatus[]
  }
}

export interface Job {
  readonly metadata: Metadata
  readonly status?: { readonly conditions?: readonly Condition[]; readonly completionTime?: string }
}

/** A Deployment or a StatefulSet. */
export interface Workload {
  readonly metadata: Metadata
  readonly spec: {
    readonly replicas?: number
    readonly selector: Selector
    readonly template: PodTemplate
    readonly updateStrategy?: { readonly type?: string }
    /** Of a StatefulSet. */
    readonly podManagementPolicy?: string
  }
  readonly status?: {
    readonly observedGeneration?: number
    readonly replicas?: number
    readonly updatedReplicas?: number
    readonly currentRevision?: string
    readonly updateRevision?: string
    readonly conditions?: readonly Condition[]
  }
}

export interface Selector {
  readonly matchLabels?: Readonly<Record<string, string>>
  readonly matchExpressions?: readonly {
    readonly key: string
    readonly operator: string
    readonly values?: readonly string[]
  }[]
}

/** An Event. */
export interface PlatformEvent {
  readonly metadata: Metadata
  readonly lastTimestamp?: string | null
  readonly eventTime?: string | null
  readonly reason?: string
  readonly message?: string
  readonly involvedObject?: { readonly kind?: string; readonly name?: string }
}

/** Status: the body of an error. */
export interface Status {
  readonly kind?: string
  readonly code?: number
  readonly reason?: string
  readonly message?: string
  readonly details?: { readonly kind?: string; readonly retryAfterSeconds?: number }
}

/** A list of objects. */
export interface List<T> {
  readonly metadata?: { readonly resourceVersion?: string; readonly continue?: string }
  readonly items: readonly T[]
}

/** A condition, if it has this status. */
export function conditionOf(
  conditions: readonly Condition[] | undefined,
  type: string,
  status: 'True' | 'False',
): Condition | undefined {
  return conditions?.find((each) => each.type === type && each.status === status)
}
