import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  BRXY,
  EdgeProcess,
  eventually,
  expectNoLeftovers,
  freePorts,
  hasPeer,
  Marathon,
} from '@brxy-tooling/testkit'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { brxyToken, nodeApp } from './apps.ts'
import { ConfigFile } from './config-file.ts'

const RECIPE = fileURLToPath(new URL('../../../examples/mesos', import.meta.url))

const marathon = new Marathon()
let file: ConfigFile
let edge: EdgeProcess | null = null

beforeEach(async () => {
  file = new ConfigFile()
  await marathon.listen()
})

afterEach(async () => {
  await edge?.close()
  edge = null
  await marathon.close()
  file.remove()
  await expectNoLeftovers(20_000)
})

describe.skipIf(!hasPeer('curl'))('Marathon, by the scripts of examples/mesos', () => {
  it('goes from zero to three tasks and back, again and again', async () => {
    const [port] = await freePorts(1)
    const tunnel = `127.0.0.1:${port}`
    const url = marathon.url('shop')
    const shell = {
      per: 'app',
      command: [join(RECIPE, 'scale.sh'), url],
      observe: [join(RECIPE, 'observe.sh'), url],
    }
    file.set({ shop: { scaler: { shell }, slots: 1 } }, { tunnel: { bind: tunnel, advertise: tunnel } })
    const running = await EdgeProcess.start({ file: file.path })
    edge = running
    const words = [
      process.execPath,
      BRXY,
      'link',
      '--idle',
      '500ms',
      '--',
      ...nodeApp('serial', { seconds: 1 }),
    ]
    marathon.create('shop', `BRXY_INSTANCE=$MESOS_TASK_ID exec ${words.join(' ')}`, {
      BRXY_ROUTE: 'shop',
      BRXY_EDGE: tunnel,
      BRXY_TOKEN: await brxyToken(running, 'shop'),
    })

    for (const round of [1, 2]) {
      const answers = await Promise.all([running.ask('/a'), running.ask('/b'), running.ask('/c')])
      expect(answers.map(({ status }) => status)).toEqual([200, 200, 200])
      expect(new Set(answers.map(({ text }) => text)).size).toBe(3)
      await eventually(`no task is left, ${round}`, () => marathon.running('shop').length === 0, 40_000)
      await eventually('none is known', async () => (await running.status()).apps[0].instances.length === 0)
    }
    expect(running.matching('launch failed')).toEqual([])
    expect(running.matching('start-failed')).toEqual([])
  })
})
