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
