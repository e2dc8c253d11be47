import type { Host } from '@brxy/scaler'
import type { JobSpec } from './nomad-api.ts'

/** Says that each change of the count will wait for the one before: 10 s, unless the job has another `min_healthy_time`. */
export function warnOfDeployments(jobId: string, job: JobSpec, group: string, host: Host): void {
  const update = job.TaskGroups.find(({ Name }) => Name === group)?.Update
  if (!update || update.MaxParallel === 0) return
  host.log('warn', 'each change of the count begins a deployment, which the next change has to wait for', {
    job: jobId,
    group,
    minHealthyTime: `${update.MinHealthyTime / 1e9}s`,
    remedy: 'update { max_parallel = 0 } in the group',
  })
}
