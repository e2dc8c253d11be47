import { LEAST_STOP_GRACE_S } from '@brxy/scaler'
import { environment, imageAt, type Json, labelsAt, mappingAt, type Place, textsAt } from './shape.ts'

/** What every container of an app is made of: the user's body, checked, with what the adapter adds. */
export interface ContainerBody {
  readonly image: string
  /** Time that it has after SIGTERM. */
  readonly graceS: number
  /** The body of one launch. */
  of(labels: Readonly<Record<string, string>>, env: Readonly<Record<string, string>>): Json
}

/**
 * Merges the body of ContainerCreate. Init: the linker is not process 1, which would have to reap orphans. No restart: an
 * instance that has left would come back. No AutoRemove: the reason of its end would be lost.
 *
 * @throws OptionsError for what contradicts that
 */
export function containerBody(body: Json, place: Place): ContainerBody {
  const image = imageAt(body, place)
  const env = textsAt(body, 'Env', place)
  const labels = labelsAt(body, place)
  const host = mappingAt(body, 'HostConfig', place)
  const at = place.below('HostConfig')
  const restart = mappingAt(host, 'RestartPolicy', at).Name
  if (restart !== undefined && restart !== '' && restart !== 'no')
    throw at.below('RestartPolicy', 'Name').error(`"${restart}" must be "no": instances leave by exiting`)
  if (host.AutoRemove === true)
    throw at
      .below('AutoRemove')
      .error('must not be set: why a launch failed would be lost; brxy removes containers')
  const graceS = body.StopTimeout ?? LEAST_STOP_GRACE_S
  if (!Number.isSafeInteger(graceS) || (graceS as number) < 1)
    throw place.below('StopTimeout').error('must be a whole number of seconds')
  return {
    image,
    graceS: graceS as number,
    of: (own, launch) => ({
      // An image for another kind of server may ask for a signal that ends a linker at once.
      StopSignal: 'SIGTERM',
      ...body,
      StopTimeout: graceS,
      Env: environment(env, launch),
      Labels: { ...labels, ...own },
      HostConfig: { Init: true, ...host, AutoRemove: false, RestartPolicy: { Name: 'no' } },
    }),
  }
}
