import { LEAST_STOP_GRACE_S } from '@brxy/scaler'
import { environment, imageAt, type Json, labelsAt, mappingAt, type Place, textsAt } from './shape.ts'

const NS = 1e9

/** What every service of an app is made of: the user's body, checked, with what the adapter adds. */
export interface ServiceBody {
  /** Time that its task has after SIGTERM. */
  readonly graceS: number
  /** The body of one launch. */
  of(name: string, labels: Readonly<Record<string, string>>, env: Readonly<Record<string, string>>): Json
}

/**
 * Merges the body of ServiceCreate: one replica that is never restarted, for a launch is started once.
 *
 * @throws OptionsError for what contradicts that
 */
export function serviceBody(body: Json, place: Place): ServiceBody {
  if (body.Name !== undefined) throw place.below('Name').error('must not be set: each launch has its own')
  if (body.Mode !== undefined) throw place.below('Mode').error('must not be set: each launch has one replica')
  const template = mappingAt(body, 'TaskTemplate', place)
  const at = place.below('TaskTemplate')
  const container = mappingAt(template, 'ContainerSpec', at)
  const inner = at.below('ContainerSpec')
  imageAt(container, inner)
  const env = textsAt(container, 'Env', inner)
  const restart = mappingAt(template, 'RestartPolicy', at).Condition
  if (restart !== undefined && restart !== 'none')
    throw at
      .below('RestartPolicy', 'Condition')
      .error(`"${restart}" must be "none": instances leave by exiting`)
  const grace = container.StopGracePeriod ?? LEAST_STOP_GRACE_S * NS
  if (!Number.isSafeInteger(grace) || (grace as number) < NS)
    throw inner.below('StopGracePeriod').error('must be nanoseconds, at least 1000000000')
  const labels = labelsAt(body, place)
  const containerLabels = labelsAt(container, inner)
  return {
    graceS: (grace as number) / NS,
    of: (name, own, launch) => ({
      ...body,
      Name: name,
      Labels: { ...labels, ...own },
      Mode: { Replicated: { Replicas: 1 } },
      TaskTemplate: {
        ...template,
        RestartPolicy: { Condition: 'none' },
        ContainerSpec: {
          Init: true,
          StopSignal: 'SIGTERM',
          ...container,
          StopGracePeriod: grace,
          Env: environment(env, escaped(launch)),
          // On its node the container is found by them, too: its events are.
          Labels: { ...containerLabels, ...own },
        },
      },
    }),
  }
}

/** Swarm expands templates in the environment; the user may use them, and what a launch brings is meant as it stands. */
function escaped(env: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(env).map(([name, value]) => [name, value.replaceAll('{{', '{{"{{"}}')]),
  )
}
