import type { Host } from '@brxy/scaler'
import type { JobSpec } from './nomad-api.ts'

/** A linker needs its drain (30 s), the stop of its application (10 s), and 5 s. */
export const LEAST_KILL_TIMEOUT_S = 45

/** Says which tasks would be killed while they still finish requests: this adapter does not own the job. */
export function warnOfKillTimeout(jobId: string, job: JobSpec, host: Host): void {
  for (const { Name: group, Tasks } of job.TaskGroups) {
    for (const { Name: task, KillTimeout } of Tasks) {
      const seconds = KillTimeout / 1e9
      if (seconds >= LEAST_KILL_TIMEOUT_S) continue
      host.log('warn', `kill_timeout is shorter than ${LEAST_KILL_TIMEOUT_S}s: requests may be cut off`, {
        job: jobId,
        group,
        task,
        killTimeout: `${seconds}s`,
        remedy: `kill_timeout = "${LEAST_KILL_TIMEOUT_S}s", and max_kill_timeout of the clients not below it`,
      })
    }
  }
}
