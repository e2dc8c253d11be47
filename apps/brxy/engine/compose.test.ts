import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { isLacking, type StartedEngine, sharedEngine } from '@brxy-tooling/engines'
import { eventually, type Running, tempDir } from '@brxy-tooling/testkit'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { ComposeProject, importBase } from './compose.testkit.ts'

const HELLO = 'http://hello.localhost:8080/'
const EDGE = 'shop-edge'
const APP = 'shop-app'
const WAIT_MS = 60_000
/** Docker kills 10 s after SIGTERM where nobody says otherwise. */
const LONGER_THAN_DOCKER_WAITS_S = 14

describe.skipIf(await isLacking('compose'))('examples/docker, by docker compose', () => {
  let engine: StartedEngine
  let dir: ReturnType<typeof tempDir>
  let project: ComposeProject
  let slow: Running | undefined
  beforeAll(async () => {
    dir = tempDir()
    engine = await sharedEngine('compose')
    await importBase(engine.env.DOCKER_HOST as string)
    project = new ComposeProject(engine, dir.path)
    // As a user changes a value of brxy.yaml without touching a file of the example. The newest stays twice as long:
    // longer than it takes to look at it.
    const override = 'services: { edge: { environment: { IDLE: 4s } } }\n'
    writeFileSync(join(project.dir, 'compose.override.yaml'), override)
  })
  afterAll(async () => {
    await engine?.stop()
    dir.remove()
  })
  beforeEach(async () => {
    await project.compose('up', '--detach')
    expect(await project.running()).toEqual([EDGE])
    await eventually('the edge at its published port', () => isUp(), WAIT_MS)
  })
  afterEach(async () => {
    await slow?.stop()
    slow = undefined
    await project.compose('down', '--volumes')
  })

  /** It knows no app of that host. */
  const isUp = async (port = 8080) => (await project.ask(`http://127.0.0.1:${port}/`)).status === 404

  it('wakes the app for a request to the published port, in the network of the file, and is alone again when nobody asks', async () => {
    const { status, text } = await project.ask(HELLO)
    expect(text).toMatch(/^hello from container [0-9a-f]{12}\n$/)
    expect(status).toBe(200)
    const [, id = ''] = /container (\w+)/.exec(text) ?? []
    const [container] = JSON.parse(await project.docker('inspect', id))
    expect(container.Config.Image).toBe(APP)
    expect(container.HostConfig).toMatchObject({ PortBindings: {}, Memory: 268_435_456 })
    expect(Object.keys(container.NetworkSettings.Networks)).toEqual(['shop_brxy'])
    await eventually('nothing but the edge', async () => `${await project.running()}` === EDGE, WAIT_MS)
  })

  it('finishes what runs when it is stopped, longer than Docker waits by itself, and leaves no container running', async () => {
    slow = project.curl('--fail', `${HELLO}?seconds=${LONGER_THAN_DOCKER_WAITS_S}`)
    await eventually('a busy instance', () => project.isBusy(), WAIT_MS)
    await project.compose('stop')
    // The edge has ended by now, and could not have before.
    expect(await slow.ends()).toEqual({ code: 0, signal: null })
    expect(slow.stdout).toMatch(/^hello from container/)
    expect(await project.running()).toEqual([])
    // Nobody had to kill it.
    const status = await project.compose('ps', '--all', '--format', '{{.Service}} {{.ExitCode}}')
    expect(status.trim()).toBe('edge 0')
  })

  it('is one of two projects on that Engine, which leave each other what is theirs', async () => {
    // As it is shipped, but for the port: what it starts outlives the others of this test.
    const other = new ComposeProject(engine, dir.path, 'other', { PORT: '8081' })
    const hello = async () => (await other.ask(HELLO.replace('8080', '8081'))).text
    try {
      await other.compose('up', '--detach')
      await eventually('the other edge', () => isUp(8081), WAIT_MS)
      const text = await hello()
      expect(text).toMatch(/^hello from container/)
      // An edge that finds what it takes for its own when it starts has it removed when it ends.
      await project.compose('restart', 'edge')
      await eventually('the edge', () => isUp(), WAIT_MS)
      const own = await project.ask(HELLO)
      expect([own.status, own.text]).toEqual([200, expect.not.stringContaining(text)])
      await project.compose('down')
      expect(await other.running()).toEqual(['other-app', 'other-edge'])
      expect(await hello()).toBe(text)
    } finally {
      await other.compose('down', '--volumes')
    }
  })

  it('goes with docker compose down, and what it has started with it, without a trace', async () => {
    expect((await project.ask(HELLO)).status).toBe(200)
    await project.compose('down')
    const left = async (...words: string[]) => (await project.docker(...words)).split('\n').filter(Boolean)
    expect(await left('ps', '--all', '--quiet')).toEqual([])
    expect(await left('network', 'ls', '--format', '{{.Name}}')).toEqual(['bridge', 'host', 'none'])
    expect(await left('volume', 'ls', '--quiet')).toEqual([])
  })
})
