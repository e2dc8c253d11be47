import { type Launch, LEAST_STOP_GRACE_S } from '@brxy/scaler'
import { withEnvironment } from './environment.ts'
import {
  LAUNCH_ANNOTATION,
  LAUNCH_LABEL,
  labelOf,
  nameOf,
  OWNER_LABEL,
  ownerLabel,
  ROUTE_ANNOTATION,
  ROUTE_LABEL,
} from './names.ts'
import type { Metadata, PodSpec, PodTemplate } from './objects.ts'
import type { Template } from './template.ts'

/** An ended Job, and the reason, is kept for so long. */
const KEPT_S = 60

/** Who a launch is for. */
export interface Belonging {
  readonly owner: string
  readonly route: string
}

/** The labels by which everything of an owner, or of one of its routes, is selected. */
export function labelsOf({ owner, route }: Belonging): Record<string, string> {
  return { [OWNER_LABEL]: ownerLabel(owner), [ROUTE_LABEL]: labelOf(route) }
}

/** The Job, or Pod, to create for a launch. */
export function launchObject(template: Template, belonging: Belonging, { id, env }: Launch): object {
  const mark = (metadata: Partial<Metadata> | undefined): Partial<Metadata> => ({
    ...metadata,
    labels: { ...metadata?.labels, ...labelsOf(belonging), [LAUNCH_LABEL]: labelOf(id) },
    annotations: {
      ...metadata?.annotations,
      [ROUTE_ANNOTATION]: belonging.route,
      [LAUNCH_ANNOTATION]: id,
    },
  })
  const named = (metadata: Partial<Metadata> | undefined) => {
    const { generateName: _, ...rest } = mark(metadata) as Partial<Metadata> & { generateName?: string }
    return { ...rest, name: nameOf(id) }
  }
  const pod = (spec: PodSpec) => podSpec(spec, template.container, env)
  if (template.kind === 'Pod') {
    const { object } = template
    return { ...object, metadata: named(object.metadata), spec: pod(object.spec) }
  }
  const { object } = template
  const inner: PodTemplate = object.spec.template
  return {
    ...object,
    metadata: named(object.metadata),
    spec: {
      ttlSecondsAfterFinished: KEPT_S,
      ...object.spec,
      backoffLimit: 0,
      template: { ...inner, metadata: mark(inner.metadata), spec: pod(inner.spec) },
    },
  }
}

function podSpec(spec: PodSpec, index: number, env: Launch['env']): PodSpec {
  const containers = spec.containers.map((container, at) => ({
    // Without it the reason of a crash is only in the log, which needs more rights to read.
    terminationMessagePolicy: 'FallbackToLogsOnError',
    ...(at === index ? withEnvironment(container, env) : container),
  }))
  return { terminationGracePeriodSeconds: LEAST_STOP_GRACE_S, ...spec, restartPolicy: 'Never', containers }
}
