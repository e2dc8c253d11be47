import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { isLacking } from '@brxy-tooling/engines'
import { ask, brxy, eventually, expectNoLeftovers, freePorts, tempDir } from '@brxy-tooling/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { NomadEdge, NomadPlatform, shippedPolicy as policy } from './nomad.testkit.ts'

const APP = fileURLToPath(new URL('gated-app.mjs', import.meta.url))
const DEMO = fileURLToPath(new URL('../../../examples/demo/app.mjs', import.meta.url))
const FILE = fileURLToPath(new URL('../../../examples/nomad/brxy.yaml', import.meta.url))
const WAIT_MS = 60_000

let nomad: NomadPlatform
let edge: NomadEdge | undefined

describe.skipIf(await isLacking('nomad'))('an edge in front of Nomad', () => {
  beforeAll(async () => {
    nomad = await NomadPlatform.up()
  })
  afterAll(() => nomad?.down())
  afterEach(async () => {
    await edge?.close()
    edge = undefined
    await nomad.purgeChildren('shop')
    await expectNoLeftovers()
  })

  /** An edge with the token of a policy, in front of a job. */
  async function start(rules: string, scaler: object = { job: 'shop' }, more: object = {}) {
    edge = await NomadEdge.start(nomad, rules, scaler, more)
    return edge.edge
  }

  it('goes from zero to four instances and back, with the shipped job and policy', async () => {
    const gates = tempDir()
    try {
      await nomad.runExample('shop', { app: [process.execPath, APP, gates.path], flags: ['--idle', '500ms'] })
      const edge = await start(policy('edge-dispatch'))
      const answers = [1, 2, 3, 4].map(() => edge.ask('/', { host: 'shop.test' }))
      const started = join(gates.path, 'started')
      // Nobody is answered before all of them are at work.
      await eventually(
        'four at work',
        () => existsSync(started) && readFileSync(started).length === 8,
        WAIT_MS,
      )
      expect(await nomad.running('shop')).toHaveLength(4)
      writeFileSync(join(gates.path, 'open-0'), '')
      expect((await Promise.all(answers)).map(({ status }) => status)).toEqual([200, 200, 200, 200])
      expect(edge.matching('launching')).toHaveLength(4)
    } finally {
      gates.remove()
    }
    await eventually('all instances to leave', async () => {
      const running = await nomad.running('shop')
      return running.length === 0 || undefined
    })
  })

  it('runs as examples/nomad has it: file, job and policy, from the environment of the nomad command', async () => {
    const [port, tunnel, admin] = await freePorts(3)
    const dir = tempDir()
    const secret = join(dir.path, 'secret')
    writeFileSync(secret, 'a secret that signs tokens\n')
    await nomad.runExample('shop', { app: ['node', DEMO], flags: ['--idle', '500ms'] })
    const env = {
      NOMAD_ADDR: nomad.address,
      NOMAD_TOKEN: await nomad.token(policy('edge-dispatch')),
      LISTEN: `127.0.0.1:${port}`,
      TUNNEL: `127.0.0.1:${tunnel}`,
      BRXY_ADVERTISE: `127.0.0.1:${tunnel}`,
      BRXY_ADMIN: `127.0.0.1:${admin}`,
      BRXY_SECRET_FILE: secret,
      BRXY_ON_EXIT: 'stop',
      BRXY_LOG: 'json',
    }
    const process = brxy(['edge', '-f', FILE, '--state-dir', join(dir.path, 'state')], { env })
    try {
      await eventually('the edge', () => process.stdout.includes('"listening"'))
      const answer = await ask(port, '/', { host: 'shop.example.com' })
      expect(answer.status, process.output).toBe(200)
      await eventually('no instance', async () => (await nomad.running('shop')).length === 0, WAIT_MS)
    } finally {
      await process.stop(WAIT_MS)
      dir.remove()
    }
  })

  it('fails fast when there is no such job', async () => {
    const edge = await start(policy('edge-dispatch'), { job: 'none' })
    expect((await edge.ask('/', { host: 'shop.test' })).status).toBe(503)
    await edge.event('launch failed', (event) => /job.*not found/.test(JSON.stringify(event)))
  })
})
