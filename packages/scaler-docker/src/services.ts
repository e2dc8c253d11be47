const NS = 1e9
/** Swarm's own, which is too short for a linker. */
const DEFAULT_GRACE_S = 10

/** A Swarm service as the API gives it. What is not named here is sent back as it came. */
export interface Service {
  readonly ID: string
  readonly Version: { readonly Index: number }
  readonly CreatedAt: string
  readonly Spec: ServiceSpec
}

export interface ServiceSpec {
  readonly Name: string
  readonly Labels?: Readonly<Record<string, string>>
  readonly Mode: { readonly Replicated?: { readonly Replicas?: number } }
  readonly TaskTemplate: {
    readonly RestartPolicy?: { readonly Condition?: string }
    readonly ContainerSpec?: { readonly StopGracePeriod?: number }
  }
}

/** Time that a task has after SIGTERM, in seconds. */
export function graceOf({ Spec }: Service): number {
  const grace = Spec.TaskTemplate.ContainerSpec?.StopGracePeriod
  return grace === undefined ? DEFAULT_GRACE_S : grace / NS
}

/** The same spec with another number of replicas. */
export function withReplicas(spec: ServiceSpec, replicas: number): ServiceSpec {
  return { ...spec, Mode: { ...spec.Mode, Replicated: { ...spec.Mode.Replicated, Replicas: replicas } } }
}
