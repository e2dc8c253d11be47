import { FollowedStream } from '@brxy/scaler/api'
import type { AllocStub, NomadApi } from './nomad-api.ts'

/**
 * Which jobs' allocations change. Nobody depends on it: the edge looks by itself as well. And whoever calls the agent
 * hears what is wrong with it.
 */
export function eventStream(api: NomadApi, onJob: (job: string) => void): FollowedStream {
  return new FollowedStream({
    follow: (onHeard, signal) =>
      api.events((line) => {
        onHeard()
        for (const job of jobsIn(line)) onJob(job)
      }, signal),
  })
}

/** `{"Index": 7, "Events": [{"Payload": {"Allocation": {...}}}]}`; `{}` now and then, to be heard. */
function jobsIn(line: string): readonly string[] {
  try {
    const { Events } = JSON.parse(line) as {
      Events?: readonly { Payload?: { Allocation?: Pick<AllocStub, 'JobID'> } }[]
    }
    return (Events ?? []).flatMap(({ Payload }) => Payload?.Allocation?.JobID ?? [])
  } catch {
    return []
  }
}
