import { OptionsError } from '@brxy/options'
import { ScalerError } from '@brxy/scaler'
import { isStatus } from '@brxy/scaler/api'
import { isObjectName } from './names.ts'
import type { Selector, Workload } from './objects.ts'

/** A Deployment or a StatefulSet of the configuration. */
export interface WorkloadPlace {
  readonly kind: 'deployment' | 'statefulset'
  readonly name: string
  /** The option that named it, for messages. */
  readonly path: string
}

/** @param given `deployment/NAME` or `statefulset/NAME`. @throws OptionsError */
export function parseWorkload(given: string, path: string): WorkloadPlace {
  const [kind = '', name = '', ...rest] = given.split('/')
  if ((kind === 'deployment' || kind === 'statefulset') && rest.length === 0 && isObjectName(name))
    return { kind, name, path }
  const detail = `${JSON.stringify(given)} is no workload; one is deployment/NAME or statefulset/NAME`
  throw new OptionsError('options/invalid', path, detail)
}

/** What a caller is told if the API does not give it. @returns other errors as they are */
export function errorOfWorkload({ kind, name }: WorkloadPlace, error: unknown): unknown {
  if (!isStatus(error, 404)) return error
  const message = `Kubernetes: ${error.message}; create ${kind}/${name}, or say in which namespace it is`
  return new ScalerError('scaler/invalid', message, { cause: error })
}

/** Whether new pods are replacing old ones: which of them the platform would remove cannot be told then. */
export function isRollingOut(kind: WorkloadPlace['kind'], { metadata, spec, status }: Workload): boolean {
  const { observedGeneration = 0, replicas = 0, updatedReplicas = 0 } = status ?? {}
  if (observedGeneration < (metadata.generation ?? 0)) return true
  if (kind === 'deployment') return updatedReplicas !== replicas
  // With OnDelete it is people who replace them, when it suits them.
  if (spec.updateStrategy?.type === 'OnDelete') return false
  return status?.updateRevision !== undefined && status.updateRevision !== status.currentRevision
}

/** A selector as a query parameter. */
export function queryOfSelector({ matchLabels = {}, matchExpressions = [] }: Selector): string {
  const labels = Object.entries(matchLabels).map(([label, value]) => `${label}=${value}`)
  const expressions = matchExpressions.map(({ key, operator, values = [] }) => {
    if (operator === 'Exists') return key
    if (operator === 'DoesNotExist') return `!${key}`
    return `${key} ${operator === 'In' ? 'in' : 'notin'} (${values.join(',')})`
  })
  return [...labels, ...expressions].join(',')
}
