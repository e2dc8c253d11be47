import { chmodSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Fixture, isRunning, launch, never, node, remove, start } from './fixture.testkit.ts'
import shell from './index.ts'

let fixture: Fixture
beforeEach(() => {
  fixture = new Fixture()
})
afterEach(() => fixture.clean())

const FOREVER = 'setInterval(() => {}, 1e6)'

describe('scale', () => {
  it('starts a launch and lists it as running', async () => {
    const before = Date.now()
    const app = fixture.app({ command: node(FOREVER) })
    const instances = await start(app, launch('l1'))
    expect(instances).toEqual([{ id: 'l1', launch: 'l1', state: 'running', since: expect.any(Number) }])
    expect(instances[0].since).toBeGreaterThanOrEqual(before)
    expect(await app.observe(never())).toEqual(instances)
  })

  it('makes one instance of the same target ten times at once', async () => {
    const app = fixture.app({ command: node(FOREVER) })
    const answers = await Promise.all(Array.from({ length: 10 }, () => start(app, launch('l1'))))
    expect(answers.map((instances) => instances.length)).toEqual(new Array(10).fill(1))
    expect(fixture.pids()).toHaveLength(1)
  })

  it('makes one instance of the same target from two adapters', async () => {
    const [one, other] = [fixture.app({ command: node(FOREVER) }), fixture.app({ command: node(FOREVER) })]
    const [first, second] = await Promise.all([start(one, launch('l1')), start(other, launch('l1'))])
    expect([first.length, second.length]).toEqual([1, 1])
    expect(fixture.pids()).toHaveLength(1)
  })

  it('starts nothing when its signal has fired', async () => {
    const app = fixture.app({ command: node(FOREVER) })
    const target = { want: 1, start: [launch('l1')], remove: [] }
    await expect(app.scale(target, AbortSignal.abort())).rejects.toMatchObject({
      code: 'scaler/aborted',
      retryable: true,
    })
    await expect(app.observe(AbortSignal.abort())).rejects.toMatchObject({ code: 'scaler/aborted' })
    expect(await app.observe(never())).toEqual([])
    expect(fixture.pids()).toEqual([])
  })

  it('never starts a launch that has ended again, removed or not', async () => {
    const app = fixture.app({ command: node('process.exit(Number(process.env.STATUS))') })
    await start(app, launch('good', { STATUS: '0' }), launch('bad', { STATUS: '1' }))
    await fixture.until('both ended', () => fixture.changed.length === 2)
    const again = await start(app, launch('good', { STATUS: '0' }), launch('bad', { STATUS: '1' }))
    expect(again).toMatchObject([{ id: 'bad', state: 'ended' }])
    expect(await remove(app, 'bad')).toEqual([])
    expect(await start(app, launch('bad', { STATUS: '1' }))).toEqual([])
    expect(fixture.pids()).toHaveLength(2)
  })

  it('rejects, starting nothing, where it could not remember what it starts', async () => {
    const stateDir = join(fixture.stateDir, 'a file')
    writeFileSync(stateDir, '')
    const scaler = shell({}, { ...fixture.host(), stateDir })
    await expect(start(scaler.app('shop', { command: node(FOREVER) }), launch('l1'))).rejects.toMatchObject({
      code: 'scaler/state',
    })
    await scaler.close()
    expect(fixture.pids()).toEqual([])
  })
})

describe('the environment of a launch', () => {
  const PRINT = 'for (const variable of Object.entries(process.env)) console.log(JSON.stringify(variable))'

  async function environmentOf(id: string): Promise<Record<string, string>> {
    await fixture.until('its end', () => fixture.changed.length > 0)
    return Object.fromEntries(fixture.lines(id).map((line) => JSON.parse(line)))
  }

  it('arrives byte for byte: quotes, line ends, 4 KiB', async () => {
    const odd = `'"\\ $(x) \`y\` é\n${'z'.repeat(4_096)}`
    await start(fixture.app({ command: node(PRINT), env: { OWN: odd } }), launch('l1', { BRXY_TOKEN: odd }))
    expect(await environmentOf('l1')).toMatchObject({
      OWN: odd,
      BRXY_TOKEN: odd,
      BRXY_LAUNCH: 'l1',
      ROUTE: 'shop.example.com',
    })
  })

  it('has nothing of the edge\u2019s own, and the prefix first on PATH', async () => {
    process.env.BRXY_SECRET = 'hunter2'
    try {
      const app = fixture.scaler({ pathPrefix: '/opt/brxy/bin' }).app('shop', { command: node(PRINT) })
      await start(app, launch('l1'))
    } finally {
      delete process.env.BRXY_SECRET
    }
    const environment = await environmentOf('l1')
    expect(environment.BRXY_SECRET).toBeUndefined()
    expect(environment.PATH).toBe(`/opt/brxy/bin:${process.env.PATH}`)
  })

  it('finds the command on the prefixed PATH', async () => {
    const bin = join(fixture.stateDir, 'bin')
    mkdirSync(bin)
    writeFileSync(join(bin, 'brxy-test-tool'), '#!/bin/sh\necho found it\n', { mode: 0o755 })
    await start(
      fixture.scaler({ pathPrefix: bin }).app('shop', { command: ['brxy-test-tool'] }),
      launch('l1'),
    )
    await fixture.until('its line', () => fixture.lines('l1').includes('found it'))
  })

  it('has the working directory of the option, no stdin, and a session of its own', async () => {
    const script = `
      const fields = require('node:child_process').execSync('ps -o pgid= -p ' + process.pid).toString().trim()
      console.log(JSON.stringify([process.cwd(), require('node:fs').readFileSync(0, 'utf8'), Number(fields) === process.pid]))`
    await start(fixture.app({ command: node(script), cwd: fixture.stateDir }), launch('l1'))
    const line = await fixture.until('its line', () => fixture.lines('l1')[0])
    expect(JSON.parse(line)).toEqual([fixture.stateDir, '', true])
  })

  it('is a shell\u2019s with shell: true, and no shell looks at the words without', async () => {
    const words = ['echo', '$BRXY_LAUNCH', '&&', 'echo', '"a  b"']
    await start(fixture.app({ command: words, shell: true }, 'a'), launch('l1'))
    await start(fixture.app({ command: words }, 'b'), launch('l2'))
    await fixture.until('both', () => fixture.changed.length === 2)
    expect(fixture.lines('l1')).toEqual(['l1', 'a  b'])
    expect(fixture.lines('l2')).toEqual(['$BRXY_LAUNCH && echo "a  b"'])
  })
})

describe('a launch that cannot run', () => {
  it.each([
    ['nope-no-such-program', 'cannot run "nope-no-such-program": not found on PATH'],
    ['./nope', 'cannot run "./nope": no such file'],
  ])('is ended at once: %s', async (program, message) => {
    const app = fixture.app({ command: [program], cwd: fixture.stateDir })
    expect(await start(app, launch('l1'))).toEqual([
      {
        id: 'l1',
        launch: 'l1',
        state: 'ended',
        since: expect.any(Number),
        problem: { code: 'invalid', message, final: true },
      },
    ])
    expect(fixture.changed).toEqual(['shop.example.com'])
    expect(await start(app, launch('l1'))).toHaveLength(1)
    expect(fixture.logs.filter((log) => log.message === 'launch failed')).toHaveLength(1)
  })

  it('says that a file is not executable, that its interpreter or the working directory is missing', async () => {
    const plain = join(fixture.stateDir, 'plain')
    const script = join(fixture.stateDir, 'script')
    writeFileSync(plain, 'x')
    writeFileSync(script, '#!/nope/interpreter\n')
    chmodSync(script, 0o755)
    const messageOf = async (options: object) =>
      (await start(fixture.app(options), launch(JSON.stringify(options)))).at(-1)
    expect(await messageOf({ command: [plain] })).toMatchObject({
      problem: { code: 'invalid', message: expect.stringMatching(/not executable; chmod \+x it/) },
    })
    expect(await messageOf({ command: [script] })).toMatchObject({
      problem: { code: 'invalid', message: expect.stringMatching(/interpreter .* was not found$/) },
    })
    expect(await messageOf({ command: ['true'], cwd: '/nope' })).toMatchObject({
      problem: {
        code: 'invalid',
        message: 'cannot run "true": its working directory "/nope" does not exist',
      },
    })
    expect(await messageOf({ command: ['true', 'x'.repeat(4_000_000)] })).toMatchObject({
      problem: { code: 'invalid', message: 'cannot run "true": its arguments and environment are too long' },
    })
  })

  it('does not keep the others from starting', async () => {
    const script = join(fixture.stateDir, 'every-third-fails')
    writeFileSync(script, '#!/bin/sh\n[ "$BRXY_LAUNCH" = l3 ] && exit 9\nexec sleep 1000\n', { mode: 0o755 })
    const app = fixture.app({ command: [script] })
    await start(app, ...['l1', 'l2', 'l3', 'l4', 'l5'].map((id) => launch(id)))
    await fixture.until('the third to end', () => fixture.changed.length > 0)
    const instances = await app.observe(never())
    expect(instances.map(({ id, state }) => `${id} ${state}`)).toEqual([
      'l1 running',
      'l2 running',
      'l4 running',
      'l5 running',
      'l3 ended',
    ])
  })
})

describe('the end of a launch', () => {
  it('with status 0 makes it absent, and is told', async () => {
    const app = fixture.app({ command: ['true'] })
    await start(app, launch('l1'))
    await fixture.until('the end', () => fixture.changed.length > 0)
    expect(fixture.changed).toEqual(['shop.example.com'])
    expect(await app.observe(never())).toEqual([])
  })

  it('with another status is a final problem with the end of stderr', async () => {
    const script =
      'console.log("out"); process.stderr.write("x".repeat(9000) + "\\nno database\\n"); process.exitCode = 3'
    const app = fixture.app({ command: node(script) })
    await start(app, launch('l1'))
    await fixture.until('the end', () => fixture.changed.length > 0)
    const [{ state, problem }] = await app.observe(never())
    expect([state, problem?.code, problem?.final]).toEqual(['ended', 'crashed', true])
    const [head, tail] = [`"${process.execPath}" exited with status 3: `, 'x\nno database']
    expect(problem?.message.slice(0, head.length)).toBe(head)
    expect(problem?.message.endsWith(tail)).toBe(true)
    expect(problem?.message.length).toBe(head.length + 4_095)
  })

  it('waits for what is still in the pipes, for a moment', async () => {
    const app = fixture.app({ command: ['sh', '-c', '(sleep 0.05; echo late >&2) & exit 3'] })
    await start(app, launch('l1'))
    await fixture.until('the end', () => fixture.changed.length > 0)
    expect(await app.observe(never())).toMatchObject([
      { problem: { message: '"sh" exited with status 3: late' } },
    ])
  })

  it('by a signal names the signal', async () => {
    const app = fixture.app({ command: ['sh', '-c', 'kill -9 $$'] })
    await start(app, launch('l1'))
    await fixture.until('the end', () => fixture.changed.length > 0)
    expect(await app.observe(never())).toMatchObject([
      { problem: { code: 'crashed', message: '"sh" was ended by SIGKILL, and wrote nothing to stderr' } },
    ])
  })

  it('with status 75 is a problem that may pass', async () => {
    const app = fixture.app({ command: ['sh', '-c', 'echo busy >&2; exit 75'] })
    await start(app, launch('l1'))
    await fixture.until('the end', () => fixture.changed.length > 0)
    expect(await app.observe(never())).toMatchObject([
      {
        state: 'ended',
        problem: { code: 'unavailable', message: '"sh" exited with status 75: busy', final: false },
      },
    ])
  })

  it('is seen although something it left behind holds its pipes open', async () => {
    const app = fixture.app({ command: ['sh', '-c', 'sleep 1000 & echo $!; echo broken >&2; exit 3'] })
    await start(app, launch('l1'))
    await fixture.until('the end', () => fixture.changed.length > 0)
    expect(await app.observe(never())).toMatchObject([
      { problem: { message: '"sh" exited with status 3: broken' } },
    ])
    // What it left behind goes with the record.
    expect(await remove(app, 'l1')).toMatchObject([{ id: 'l1' }])
    await fixture.until('the group to end', async () => (await app.observe(never())).length === 0)
    expect(isRunning(Number(fixture.lines()[0]))).toBe(false)
  })
})

describe('output', () => {
  it('is logged line by line with its stream, and its end is kept, also after the launch', async () => {
    const app = fixture.app({
      command: ['sh', '-c', 'echo one; echo two >&2; sleep 0.1; printf three; exit 1'],
    })
    await start(app, launch('l1'))
    await fixture.until('the end', () => fixture.changed.length > 0)
    const fields = { route: 'shop.example.com', launch: 'l1', output: true }
    const logged = fixture.logs.filter((log) => log.fields.output === true)
    expect(logged).toContainEqual({ level: 'info', message: 'one', fields: { ...fields, stream: 'stdout' } })
    expect(logged).toContainEqual({ level: 'info', message: 'two', fields: { ...fields, stream: 'stderr' } })
    expect(logged).toHaveLength(3)
    expect([...app.output('l1')].sort()).toEqual(['one', 'three', 'two'])
    expect(app.output('unknown')).toEqual([])
  })

  it('does not block a launch that writes megabytes', async () => {
    const script =
      'const s = "y".repeat(99) + "\\n"; for (let i = 0; i < 20000; i++) process.stdout.write(s); console.log("done")'
    const app = fixture.app({ command: node(script) })
    await start(app, launch('l1'))
    await fixture.until('the end', () => fixture.changed.length > 0)
    expect(app.output('l1')).toHaveLength(200)
    expect(app.output('l1').at(-1)).toBe('done')
  })
})

describe('remove', () => {
  it('ends the whole process group with SIGTERM, and says when it is gone', async () => {
    const app = fixture.app({ command: ['sh', '-c', 'sleep 1000 & echo $!; wait'] })
    await start(app, launch('l1'), launch('l2'))
    await fixture.until('both to be up', () => fixture.lines().length === 2)
    const [first, second] = ['l1', 'l2'].map((id) => Number(fixture.lines(id)[0]))
    expect(await remove(app, 'l1')).toHaveLength(2)
    await fixture.until('l1 to go', async () => (await app.observe(never())).length === 1)
    expect([isRunning(first), isRunning(second)]).toEqual([false, true])
    expect(fixture.changed).toEqual(['shop.example.com'])
    expect(fixture.logs.some((log) => log.message === 'launch failed')).toBe(false)
  })

  it('kills what ignores SIGTERM, after killAfter and not before', async () => {
    const script = `process.on('SIGTERM', () => console.log('ignored')); console.log('up'); ${FOREVER}`
    const app = fixture.app({ command: node(script), killAfter: '300ms' })
    await start(app, launch('l1'))
    await fixture.until('it to be up', () => fixture.lines().includes('up'))
    const began = performance.now()
    await remove(app, 'l1')
    await fixture.until('SIGTERM', () => fixture.lines().includes('ignored'))
    await fixture.until('it to go', async () => (await app.observe(never())).length === 0)
    expect(performance.now() - began).toBeGreaterThanOrEqual(300)
    expect(fixture.lines().filter((line) => line === 'ignored')).toHaveLength(1)
    expect(isRunning(fixture.pids()[0])).toBe(false)
  })

  it('may be repeated, and succeeds for what is unknown', async () => {
    const script = `process.on('SIGTERM', () => console.log('term')); console.log('up'); ${FOREVER}`
    const app = fixture.app({ command: node(script), killAfter: '200ms' })
    await start(app, launch('l1'))
    await fixture.until('it to be up', () => fixture.lines().includes('up'))
    for (let time = 0; time < 5; time++) await remove(app, 'l1', 'unknown')
    await fixture.until('it to go', async () => (await remove(app, 'l1', 'unknown')).length === 0)
    expect(fixture.lines().filter((line) => line === 'term')).toHaveLength(1)
  })

  it('of a launch that never was keeps it from being started later', async () => {
    const app = fixture.app({ command: node(FOREVER) })
    expect(await remove(app, 'l1')).toEqual([])
    expect(await start(app, launch('l1'))).toEqual([])
    expect(fixture.pids()).toEqual([])
  })

  it('leaves nothing on disk', async () => {
    const app = fixture.app({ command: node(FOREVER) })
    await start(app, launch('l1'))
    await remove(app, 'l1')
    await fixture.until('it to go', async () => (await app.observe(never())).length === 0)
    const [directory] = readdirSync(fixture.stateDir)
    expect(readdirSync(join(fixture.stateDir, directory))).toEqual([])
    expect(existsSync(fixture.stateDir)).toBe(true)
  })
})

it('keeps routes of any form apart', async () => {
  const scaler = fixture.scaler()
  const routes = ['*.x.com', 'tcp:5432', `${'a'.repeat(249)}.com`, 'a/b', '..']
  for (const route of routes) await start(scaler.app(route, { command: node(FOREVER) }), launch('same-id'))
  expect(fixture.pids()).toHaveLength(routes.length)
})
