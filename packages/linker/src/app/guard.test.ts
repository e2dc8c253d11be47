import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { isGroupRunning, signalGroup } from './group.ts'
import { startGuard } from './guard.ts'
import {
  childOf,
  compileApp,
  guardOf,
  hasPeer,
  isRunning,
  pathOf,
  until,
  within,
} from './processes.testkit.ts'

let compiled: Awaited<ReturnType<typeof compileApp>>
beforeAll(async () => {
  compiled = await compileApp('process.ts')
}, 60_000)
afterAll(() => compiled?.remove())

const groups: number[] = []
afterEach(() => {
  for (const pgid of groups.splice(0)) signalGroup(pgid, 'SIGKILL')
})

function startGroup(script: string): number {
  const child = spawn('/bin/sh', ['-c', script], { detached: true, stdio: 'ignore' })
  groups.push(child.pid as number)
  return child.pid as number
}

/** A linker in a process of its own, which has started `script` and does nothing else. */
async function startLinker(script: string): Promise<{ linker: ChildProcess; app: number; pids: number[] }> {
  const program = `
    import { startApp } from ${JSON.stringify(join(compiled.folder, 'process.js'))}
    const app = await startApp({
      argv: ['/bin/sh', '-c', ${JSON.stringify(script)}],
      port: 20000,
      env: process.env,
      onOutput: (_stream, chunk) => process.stdout.write(chunk),
      onNotice: (line) => console.log(line),
    })
    console.log(app.pid)
    await app.exited`
  const linker = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let printed = ''
  linker.stdout?.on('data', (chunk) => {
    printed += chunk
  })
  await until('the linker has printed two process ids', () => /^\d+\n\d+\n/.test(printed))
  const pids = printed.trim().split('\n').map(Number)
  const app = pids.find((pid) => signalGroup(pid, 0)) as number
  groups.push(app)
  await until('guarded', () => guardOf(app) !== undefined)
  return { linker, app, pids }
}

test('ends the application and its children when the linker is killed with SIGKILL', async () => {
  const { linker, app, pids } = await startLinker('sleep 60 & echo $!; wait')
  expect(pids.every(isRunning)).toBe(true)
  linker.kill('SIGKILL')
  await until('the application is gone', () => !isGroupRunning(app), 2_000)
  expect(pids.some(isRunning)).toBe(false)
  await until('the guard is gone', () => guardOf(app) === undefined, 3_000)
}, 15_000)

test('kills an application that ignores SIGTERM, within 2 s; the linker output is closed before', async () => {
  const script = `trap '' TERM; sh -c 'echo $$; while :; do sleep 60; done' & wait; while :; do sleep 60; done`
  const { linker, app } = await startLinker(script)
  const closed = new Promise((resolve) => linker.once('close', resolve))
  const killedAt = performance.now()
  linker.kill('SIGKILL')
  // Whoever reads the linker's output sees its end now: neither the guard nor the application holds it.
  await within(900, 'the output of the linker is closed', closed)
  expect(isGroupRunning(app)).toBe(true)
  await until('the application is gone', () => !isGroupRunning(app), 2_000 - (performance.now() - killedAt))
}, 15_000)

test.each(['dash', 'bash', 'busybox'])(
  'does the same where /bin/sh is %s',
  async (peer) => {
    if (!hasPeer(peer)) return // hasPeer said so
    const shell = join(mkdtempSync(join(compiled.folder, 'shell-')), 'sh') // busybox goes by the name it is called by
    symlinkSync(pathOf(peer) as string, shell)
    const stubborn = startGroup(`trap '' TERM; while :; do sleep 60; done`)
    const obedient = startGroup('sleep 60')
    const program = `
    import { startGuard } from ${JSON.stringify(join(compiled.folder, 'guard.js'))}
    for (const pgid of [${stubborn}, ${obedient}]) startGuard(console.error, ${JSON.stringify(shell)}).watch(pgid)
    setInterval(() => {}, 1000)`
    const linker = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'inherit' })
    await until('guarded', () => guardOf(stubborn) !== undefined && guardOf(obedient) !== undefined)
    linker.kill('SIGKILL')
    // How long it may take is told above; here one goes after the other, on whatever machine.
    await until('the obedient group is gone', () => !isGroupRunning(obedient), 5_000)
    expect(isGroupRunning(stubborn)).toBe(true)
    await until('the stubborn group is gone', () => !isGroupRunning(stubborn), 5_000)
  },
  15_000,
)

test.each([['dismissed'], ['left alone by a linker that is gone']])(
  'leaves at once when it is %s before there is an application',
  async (how) => {
    const program = `
    import { startGuard } from ${JSON.stringify(join(compiled.folder, 'guard.js'))}
    const guard = startGuard(console.error)
    setInterval(() => {}, 1000)
    process.stdin.on('data', () => guard.dismiss())
    console.log(await guard.makeFifos('/no/such/folder'))
    await guard.exited
    console.log('gone')`
    const linker = spawn(process.execPath, ['--input-type=module', '-e', program])
    let printed = ''
    linker.stdout.on('data', (chunk) => {
      printed += chunk
    })
    await until('it has answered', () => printed === 'false\n')
    const guard = childOf(linker.pid as number)
    if (how === 'dismissed') {
      linker.stdin.write('now\n')
      await until('the linker knows', () => printed === 'false\ngone\n')
    }
    linker.kill('SIGKILL')
    await until('the guard is gone', () => !isRunning(guard), 900)
  },
  15_000,
)

test('leaves at once when it is dismissed, and signals nobody', async () => {
  const pgid = startGroup('sleep 60')
  const notices: string[] = []
  const guard = startGuard((line) => notices.push(line))
  guard.watch(pgid)
  guard.dismiss()
  guard.dismiss()
  await within(1_000, 'the guard is gone', guard.exited)
  expect(isGroupRunning(pgid)).toBe(true)
  expect(notices).toEqual([])
})

test('says once that the application is not guarded where there is no /bin/sh', async () => {
  const notices: string[] = []
  const guard = startGuard((line) => notices.push(line), '/no/such/sh')
  expect(await guard.makeFifos('/tmp')).toBe(false)
  guard.watch(startGroup('sleep 60'))
  await within(1_000, 'settled', guard.exited)
  expect(notices).toEqual(['no /no/such/sh: if this linker is killed with SIGKILL the application may go on'])
  guard.dismiss()
})

test('says that the application is not guarded where no descriptor is left, and goes on', async () => {
  const program = `
    import { closeSync, openSync } from 'node:fs'
    import { prepareApp, release } from ${JSON.stringify(join(compiled.folder, 'prepared.js'))}
    const taken = []
    try {
      for (;;) taken.push(openSync('/dev/null'))
    } catch {}
    const notices = []
    const prepared = await prepareApp((line) => notices.push(line))
    prepared.guard.watch(process.pid)
    await prepared.guard.exited
    for (const fd of taken) closeSync(fd)
    release(prepared)
    console.log([...notices, prepared.pipes.stdio].join())`
  const argv = ['-c', 'ulimit -n 64 && exec "$0" --input-type=module -e "$1"', process.execPath, program]
  const linker = spawn('/bin/sh', argv, { stdio: ['ignore', 'pipe', 'inherit'] })
  let printed = ''
  linker.stdout.on('data', (chunk) => {
    printed += chunk
  })
  await within(10_000, 'the program is over', new Promise((resolve) => linker.once('close', resolve)))
  expect(printed).toBe(
    'no guard process (EMFILE): if this linker is killed with SIGKILL the application may go on,pipe,pipe\n',
  )
}, 15_000)

test.skipIf(process.platform !== 'linux')(
  'ignores the signals that a whole control group gets, and says when it was killed (Linux only: /proc)',
  async () => {
    const pgid = startGroup('sleep 60')
    const notices: string[] = []
    const guard = startGuard((line) => notices.push(line))
    guard.watch(pgid)
    await until('the guard runs', () => guardOf(pgid) !== undefined)
    const pid = guardOf(pgid) as number
    // proc_pid_status(5): SigIgn is a mask in which signal n is bit n - 1; HUP 1, INT 2, TERM 15.
    const ignored = () => /^SigIgn:\s*(\w+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? '0'
    const wanted = (1n << 0n) | (1n << 1n) | (1n << 14n)
    await until('HUP, INT and TERM are ignored', () => (BigInt(`0x${ignored()}`) & wanted) === wanted)
    process.kill(pid, 'SIGKILL')
    await within(1_000, 'the guard is gone', guard.exited)
    expect(notices).toEqual([
      'the guard process is gone (SIGKILL): if this linker is killed with SIGKILL the application may go on',
    ])
    expect(isGroupRunning(pgid)).toBe(true)
  },
)
