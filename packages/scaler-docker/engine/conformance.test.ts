import { conformance } from '@brxy/scaler/conformance'
import { isLacking, overlapping } from '@brxy-tooling/engines'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { containerDriver } from './container-driver.testkit.ts'
import { TestEngine } from './engine.testkit.ts'
import { serviceDriver } from './service-driver.testkit.ts'
import { taskDriver } from './task-driver.testkit.ts'

describe.skipIf(await isLacking('swarm'))('on a real Docker', () => {
  let docker: TestEngine
  let swarm: TestEngine
  beforeAll(async () => {
    docker = await TestEngine.start('docker')
    swarm = await TestEngine.start('swarm')
  })
  afterAll(async () => {
    await docker?.stop()
    await swarm?.stop()
  })

  // In one file, for most of them wait for most of their time.
  overlapping(it, (test) => {
    for (const driver of [containerDriver(() => docker), taskDriver(() => swarm), serviceDriver(() => swarm)])
      conformance(driver, { test })
  })
})
