import { BODY_UNKNOWN } from '@brxy/protocol'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { isRunning, until } from './app/processes.testkit.ts'
import { linkerWorld } from './linker-world.testkit.ts'
import { TestEdge } from './tunnel/edge.testkit.ts'

vi.setConfig({ testTimeout: 30_000, hookTimeout: 30_000 })

/** An application for `node -e` that shows its process id, echoes, and fails from its second start on if it is told to. */
const APP = `
  const { appendFileSync, existsSync } = require('node:fs')
  const { createServer } = require('node:http')
  const again = process.env.STARTED
  if (again && existsSync(again)) process.exit(7)
  if (again) appendFileSync(again, '')
  createServer((request, response) => {
    if (request.url === '/pid') return response.end(String(process.pid))
    response.flushHeaders()
    request.pipe(response)
  }).listen(process.env.PORT, '127.0.0.1')
`
const NODE_APP = ['--', process.execPath, '-e', APP]

const world = linkerWorld()
const { link } = world

describe('a linker without a terminal that hears SIGHUP', () => {
  it('asks for a successor, serves until there is one, finishes what runs, and exits with 0', async () => {
    const linker = link(NODE_APP)
    const session = await world.edge.granted(1)
    linker.signal('SIGHUP')
    await session.says('replace')
    const during = session.open({ method: 'POST', target: '/echo', body: BODY_UNKNOWN })
    await until('the head of the response', () => during.head !== '')
    session.session.verdict(true)
    await session.says('drain')
    during.write('the rest')
    during.stream.end()
    await during.over
    expect([during.outcome, during.text]).toEqual(['end', 'the rest'])
    expect(await linker.ends()).toBe(0)
    expect(session.log).not.toContain('leave')
    expect(linker.logged('draining')).toMatchObject([{ reason: 'replaced' }])
  })

  it('stays when there will be none, says why, and asks again at the next SIGHUP', async () => {
    const linker = link(NODE_APP)
    const session = await world.edge.granted(1)
    linker.signal('SIGHUP')
    await session.says('replace')
    session.session.verdict(false)
    await linker.logs('this instance stays: no edge starts a replacement; the log of the edge says why')
    expect((await session.get('/pid')).status).toBe(200)
    linker.signal('SIGHUP')
    await until('a second REPLACE', () => session.log.filter((what) => what === 'replace').length === 2)
  })

  it('stays when nobody answers in time', async () => {
    const linker = link(NODE_APP, { BRXY_REPLACE_TIMEOUT: '50ms' })
    const session = await world.edge.granted(1)
    linker.signal('SIGHUP')
    await linker.logs('this instance stays: no replacement within 0.1 s')
    expect((await session.get('/pid')).status).toBe(200)
  })

  it('drains when SIGTERM follows', async () => {
    const linker = link(NODE_APP)
    const session = await world.edge.granted(1)
    linker.signal('SIGHUP')
    await session.says('replace')
    linker.signal('SIGTERM')
    await session.says('drain')
    expect(await linker.ends()).toBe(0)
  })
})

describe('a linker that an edge wants parked', () => {
  beforeEach(async () => {
    await world.edge.close()
    world.edge = await TestEdge.start({ welcome: { leave: 'park' } })
  })

  /** One whose successor serves, so that its application was stopped; the process id that this had. */
  async function parked(env: Readonly<Record<string, string>> = {}, ...flags: string[]) {
    const linker = link([...flags, ...NODE_APP], env)
    const { pid } = await linker.logs('application started')
    const session = await world.edge.granted(1)
    linker.signal('SIGHUP')
    await session.says('replace')
    session.session.verdict(true)
    await session.says('status parked')
    expect(isRunning(pid as number)).toBe(false)
    return { linker, session, pid }
  }

  it('keeps its session without its application, starts that again when recalled, and serves', async () => {
    const { linker, session, pid } = await parked()
    expect(session.session.unspent).toBe(0)
    session.log.length = 0
    session.session.recall()
    await session.says('status ready')
    await world.edge.granted(1)
    expect(session.log.slice(0, 3)).toEqual(['status starting', 'status ready', 'grant 1'])
    const { text } = await session.get('/pid')
    expect([Number(text) === pid, linker.logged('application started').at(-1)?.pid]).toEqual([
      false,
      Number(text),
    ])
  })

  it('is parked when it is idle, each time', async () => {
    link(['--idle', '50ms', ...NODE_APP])
    const session = await world.edge.session()
    for (let time = 0; time < 2; time++) {
      await session.says('leave')
      session.log.length = 0
      session.session.verdict(true)
      await session.says('status parked')
      session.log.length = 0
      session.session.recall()
    }
    await session.says('status ready')
  })

  it('ends its second application too when it is killed', async () => {
    const { linker, session } = await parked()
    session.log.length = 0
    session.session.recall()
    await session.says('grant 1')
    const { text } = await session.get('/pid')
    linker.signal('SIGKILL')
    await linker.ends()
    await until('the application is gone', () => !isRunning(Number(text)), 10_000)
  })

  it('reports that it cannot be started again, and exits as the application did', async () => {
    const { linker, session } = await parked({ STARTED: `${world.compiled.folder}/started` })
    session.session.recall()
    await session.says('status failed')
    expect(session.statuses.at(-1)).toMatchObject({ phase: 'failed', exitCode: 7 })
    expect(await linker.ends()).toBe(7)
  })

  it('exits with 0 at once when a signal tells it to', async () => {
    const { linker, session } = await parked()
    linker.signal('SIGTERM')
    expect(await linker.ends()).toBe(0)
    await session.says('closed link/left')
  })

  it('says that it is parked when it dials again, and may be recalled there', async () => {
    const { session } = await parked()
    session.socket.destroy()
    const next = await world.edge.session(1)
    expect(next.hello).toMatchObject({ phase: 'parked', replaces: 's-1' })
    next.session.recall()
    await next.says('grant 1')
    expect((await next.get('/pid')).status).toBe(200)
  })

  it('exits with 0 when there is no edge any more', async () => {
    const { linker } = await parked({}, '--lost', '500ms')
    await world.edge.close()
    expect(await linker.ends()).toBe(0)
  })
})
