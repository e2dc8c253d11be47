import { describe, expect, it } from 'vitest'
import { isRunning, node } from './fixture.testkit.ts'
import { LaunchProcess } from './launch.ts'

interface Recorded {
  readonly process: LaunchProcess
  readonly events: string[]
  readonly closed: Promise<void>
}

function run(argv: readonly string[]): Recorded {
  const events: string[] = []
  let onClosed = () => {}
  const closed = new Promise<void>((resolve) => {
    onClosed = resolve
  })
  const process = new LaunchProcess(
    { argv, cwd: undefined, env: { PATH: globalThis.process.env.PATH ?? '' } },
    {
      onLine: (stream, line) => events.push(`${stream} ${line}`),
      onEnd: ({ code, signal }) => events.push(`end ${code ?? signal}`),
      onClosed: () => {
        events.push('closed')
        onClosed()
      },
    },
  )
  return { process, events, closed }
}

describe('LaunchProcess', () => {
  it('tells all output, then the end, then that its pipes are closed', async () => {
    const { process, events, closed } = run(['sh', '-c', 'echo out; exit 7'])
    expect(await process.started).toBeUndefined()
    await closed
    expect(events.sort()).toEqual(['closed', 'end 7', 'stdout out'])
  })

  it('tells why it could not start, and nothing else', async () => {
    const { process, events } = run(['nope-no-such-program'])
    expect(await process.started).toMatchObject({ code: 'invalid' })
    expect([process.pid, events]).toEqual([undefined, []])
  })

  it('tells nothing after its release, although the process goes on', async () => {
    const { process, events } = run(node('setInterval(() => {}, 1e6)'))
    const pid = process.pid as number
    await process.started
    process.release()
    expect(isRunning(pid)).toBe(true)
    globalThis.process.kill(-pid, 'SIGKILL')
    // Another one that lives and ends after it: by then its own end would have been told.
    await run(['sh', '-c', 'sleep 0.1']).closed
    expect([isRunning(pid), events]).toEqual([false, []])
  })
})
