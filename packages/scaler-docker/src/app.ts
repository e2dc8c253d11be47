import { type Host, type LaunchMemory, ScalerError } from '@brxy/scaler'
import type { FollowedStream } from '@brxy/scaler/api'
import type { DockerClient } from './client.ts'
import type { Puller } from './pull.ts'

/** What the scaler of an app has from its surroundings, whatever its mode. */
export interface App {
  readonly route: string
  readonly host: Host
  readonly client: DockerClient
  readonly puller: Puller
  readonly launches: LaunchMemory
  /** At the beginning of each call. @throws ScalerError if the scaler is closed or the call aborted */
  begin(signal: AbortSignal): void
}

/** What of an adapter's may be closed under its apps. */
export interface Lifetime {
  isClosed: boolean
}

/** The beginning of a call: only now anything is opened. */
export function beginner(lifetime: Lifetime, events: FollowedStream): App['begin'] {
  return (signal) => {
    if (lifetime.isClosed) throw new ScalerError('scaler/closed', 'the docker scaler was closed')
    if (signal.aborted)
      throw new ScalerError('scaler/aborted', 'the call was aborted', { cause: signal.reason })
    events.open()
  }
}
