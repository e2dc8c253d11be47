import { isLacking } from '@brxy-tooling/engines'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import nomad from '../src/index.ts'
import { counted } from './jobs.ts'
import { Platform } from './platform.ts'

const JOB = 'deployed-job'
/** Until Nomad takes an instance for healthy, and a deployment for successful. */
const HEALTHY_S = 2
const SECOND_NS = 1e9
const CALL_MS = 30_000

let platform: Platform

describe.skipIf(await isLacking('nomad'))('a job whose group has deployments', () => {
  beforeAll(async () => {
    platform = await Platform.up()
  })
  afterAll(() => platform?.down())

  it('has its count changed when the deployment of the change before is over, and its operator told of what that takes', async () => {
    const update = { MaxParallel: 1, MinHealthyTime: HEALTHY_S * SECOND_NS, HealthCheck: 'task_states' }
    await platform.agent.register(counted(JOB, {}, update))
    const said: unknown[] = []
    const log = (_level: string, message: string, fields?: object) => said.push({ message, ...fields })
    const host = { owner: 'deployments', stateDir: '/nonexistent', changed() {}, log }
    const scaler = nomad({ address: platform.env.NOMAD_ADDR, token: platform.env.NOMAD_TOKEN }, host)
    try {
      const app = scaler.app('shop', { job: JOB, mode: 'count' })
      const raise = (want: number, ms = CALL_MS) =>
        app.scale({ want, start: [], remove: [] }, AbortSignal.timeout(ms))
      await raise(1)
      // It gives up when it is told to, with Nomad's words, and another time has what was wanted.
      await expect(raise(3, 200)).rejects.toThrow(/active deployment/)
      await raise(3)
      const { TaskGroups } = await platform.agent.ask<{ TaskGroups: { app: { Desired: number } } }>(
        'GET',
        `/v1/job/${JOB}/scale`,
      )
      expect(TaskGroups.app.Desired).toBe(3)
      expect(said).toContainEqual(
        expect.objectContaining({
          minHealthyTime: `${HEALTHY_S}s`,
          remedy: 'update { max_parallel = 0 } in the group',
        }),
      )
    } finally {
      await scaler.close()
      await platform.agent.purge(JOB)
    }
  })
})
