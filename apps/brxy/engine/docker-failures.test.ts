import { execFileSync } from 'node:child_process'
import { chmodSync, chownSync, mkdirSync, statfsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  addBusybox,
  importImage,
  isLacking,
  type StartedEngine,
  sharedEngine,
  startDockerd,
  stopDockerd,
} from '@brxy-tooling/engines'
import { eventually, tempDir } from '@brxy-tooling/testkit'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  createService,
  DockerEdge,
  type DockerEdgeOptions,
  dockerLines,
  expectProblem,
  hasProblem,
  messageOf,
} from './docker.testkit.ts'

const isSkipped = await isLacking('swarm')

/** Nothing of it gets as far as an application. */
const IMAGE = 'brxy-test/idle'
const WAIT_MS = 60_000
/** Far less than the 50 s that a request may be held. */
const SOON_MS = 20_000
const SERVICE = 'shop-instances'
/** More than any machine has. */
const MUCH_MEMORY = 999e9

/** What is wrong with an app. */
interface Wrong {
  readonly image?: string
  readonly command?: readonly string[]
  readonly isHuge?: boolean
}

/** What an app with it says of itself; of a service that exists its operator has said it. */
type Mode = (host: string, wrong: Wrong) => Promise<object>

const container: Mode = async (_host, { image = IMAGE, command, isHuge }) => ({
  container: {
    Image: image,
    ...(command && { Cmd: command }),
    HostConfig: { NetworkMode: 'host', ...(isHuge && { NanoCpus: MUCH_MEMORY }) },
  },
})

const task: Mode = async (_host, { image = IMAGE, command, isHuge }) => ({
  task: {
    TaskTemplate: {
      ContainerSpec: { Image: image, ...(command && { Args: command }) },
      Networks: [{ Target: 'host' }],
      ...(isHuge && { Resources: { Reservations: { MemoryBytes: MUCH_MEMORY } } }),
    },
  },
})

const service: Mode = async (host, { image = IMAGE, command = [], isHuge }) => {
  const flags = isHuge ? ['--reserve-memory', `${MUCH_MEMORY}`] : []
  await createService(host, SERVICE, flags, [image, ...command])
  return { service: SERVICE }
}

let edge: DockerEdge | undefined

async function start(host: string, docker: object, more: object = {}, options: DockerEdgeOptions = {}) {
  const shop = { hosts: ['shop.localhost'], scaler: { docker }, ...more }
  edge = await DockerEdge.start(host, { shop }, options)
}

/** All who are held are told soon, and the class alone; the operator is told what Docker said. */
async function expectFailure(problem: string, says: RegExp): Promise<void> {
  const { edge: process } = edge as DockerEdge
  const ask = () => process.ask('/x', { host: 'shop.localhost' })
  for (const answer of await Promise.all([ask(), ask()])) {
    expectProblem(answer, problem)
    expect(answer.tookMs).toBeLessThan(SOON_MS)
    expect(answer.text).not.toMatch(says)
  }
  const { problem: told } = await process.event('launch failed', hasProblem)
  expect(messageOf(told)).toMatch(says)
}

describe.skipIf(isSkipped)('held requests and what a real Docker says', () => {
  let engine: StartedEngine
  let host: string
  beforeAll(async () => {
    engine = await sharedEngine('swarm')
    host = engine.env.DOCKER_HOST as string
    await importImage(host, {
      name: IMAGE,
      fill: addBusybox,
      changes: ['ENV PATH=/bin', 'CMD ["sleep", "600"]'],
    })
  })
  afterAll(() => engine?.stop())

  describe.each([
    ['container', container],
    ['task', task],
    ['service', service],
  ] as const)('in mode %s', (name, mode) => {
    afterEach(async () => {
      await edge?.close()
      edge = undefined
      for (const id of await dockerLines(host, 'service', 'ls', '-q'))
        await dockerLines(host, 'service', 'rm', id)
      const all = () => dockerLines(host, 'ps', '-aq')
      if (name === 'container') expect(await all()).toEqual([])
      else await eventually('no container', async () => (await all()).length === 0, WAIT_MS)
    })

    it('fail soon for an image that cannot be had', async () => {
      await start(host, await mode(host, { image: 'nope.invalid/x' }))
      await expectFailure('image', /(cannot pull|No such image:) nope\.invalid\/x/)
    })

    it('fail soon for an application that crashes, again and again, whose last words are kept', async () => {
      await start(host, await mode(host, { command: ['sh', '-c', 'echo no luck today >&2; exit 3'] }))
      await expectFailure('crashed', /(status|exit) \(?3.*no luck today/s)
      await expectFailure('crashed', /no luck today/)
    })

    it('fail soon for a command that is not there', async () => {
      await start(host, await mode(host, { command: ['/no-such-thing'] }))
      await expectFailure('invalid', /no-such-thing/)
    })

    // A single Engine knows no other machine that could come.
    const full: [string, RegExp] =
      name === 'container' ? ['invalid', /Range of CPUs/] : ['unschedulable', /insufficient resources/]
    it(`fail with "${full[0]}" when it takes more than there is`, async () => {
      await start(host, await mode(host, { isHuge: true }), { startTimeout: '4s' })
      await expectFailure(...full)
    })

    it('fail soon if the edge may not use the socket', async () => {
      const docker = await mode(host, {})
      const socket = host.replace('unix://', '')
      const nobody = 65_534
      chownSync(socket, nobody, nobody)
      chmodSync(socket, 0o600)
      try {
        // Root may use any socket; without these capabilities it is a user like others, that still owns its files.
        const under = ['setpriv', '--bounding-set', '-dac_override,-dac_read_search']
        await start(host, docker, {}, { process: { under } })
        await expectFailure('denied', /may not use unix:/)
      } finally {
        chownSync(socket, 0, 0)
      }
    })
  })
})

describe.skipIf(isSkipped)('held requests and a real dockerd whose disk is full', () => {
  let dir: ReturnType<typeof tempDir>
  let host: string
  beforeAll(async () => {
    dir = tempDir()
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=64m', 'brxy-test', dir.path])
    const own = join(dir.path, 'dockerd')
    mkdirSync(own)
    host = await startDockerd(own)
    await importImage(host, { name: IMAGE, fill: addBusybox, changes: ['ENV PATH=/bin'] })
    const { bavail, bsize } = statfsSync(dir.path)
    writeFileSync(join(dir.path, 'rubbish'), Buffer.alloc(bavail * bsize))
  })
  afterAll(async () => {
    await edge?.close()
    await stopDockerd(join(dir.path, 'dockerd'))
    // What dockerd had open may be closed a moment later.
    execFileSync('umount', ['--lazy', dir.path])
    dir.remove()
  })

  it('fail soon, with the class "quota"', async () => {
    await start(host, await container(host, { command: ['sleep', '600'] }))
    await expectFailure('quota', /no space left on device/)
  })
})
