import { type Host, LEAST_STOP_GRACE_S } from '@brxy/scaler'
import type { JobSpec } from './nomad-api.ts'

/** Says which tasks would be killed while they still finish requests: this adapter does not own the job. */
export function warnOfKillTimeout(jobId: string, job: JobSpec, host: Host): void {
  for (const { Name: group, Tasks } of job.TaskGroups) {
    for (const { Name: task, KillTimeout } of Tasks) {
      const seconds = KillTimeout / 1e9
      if (seconds >= LEAST_STOP_GRACE_S) continue
      host.log('warn', `kill_timeout is shorter than ${LEAST_STOP_GRACE_S}s: requests may be cut off`, {
        job: jobId,
        group,
        task,
        killTimeout: `${seconds}s`,
        remedy: `kill_timeout = "${LEAST_STOP_GRACE_S}s", and max_kill_timeout of the clients not below it`,
      })
    }
  }
}
