import { ApiError } from '@brxy/scaler/api'
import { describe, expect, it } from 'vitest'
import { hasExited, problemOfEnd, problemOfRefusal, problemOfTask } from './problem.ts'

// Messages as Engines of 20.10 and 28 wrote them.
describe('a refusal', () => {
  it.each([
    [404, 'No such image: nope.invalid/x:latest', 'image'],
    [400, 'invalid reference format: repository name must be lowercase', 'image'],
    [500, 'pull access denied for x, repository does not exist or may require docker login', 'image'],
    [
      400,
      'failed to create shim task: OCI runtime create failed: runc create failed: exec: "/nope": stat /nope: no such file or directory: unknown',
      'invalid',
    ],
    [404, 'network bogus not found', 'invalid'],
    [400, 'Minimum memory limit allowed is 6MB', 'invalid'],
    [
      503,
      'This node is not a swarm manager. Use "docker swarm init" to connect this node to swarm and try again.',
      'invalid',
    ],
    [409, 'a container "brxy-x" exists that is not this launch: remove or rename it', 'invalid'],
    [500, 'driver failed: write /var/lib/docker/x: no space left on device', 'quota'],
    [403, 'authorization denied by plugin', 'denied'],
    [500, 'something nobody expected', 'other'],
  ] as const)('%i %s is "%s", for good, in the words of the Engine', (status, message, code) => {
    expect(problemOfRefusal(new ApiError(status, message))).toEqual({ code, message, final: true })
  })
})

describe('the end of a container', () => {
  const end = (more: object = {}) => ({ ExitCode: 0, OOMKilled: false, Error: '', ...more })

  it('with status 0 is no problem', () => {
    expect(problemOfEnd(end(), 'done')).toBeUndefined()
  })

  it.each([
    [end({ ExitCode: 3 }), 'oops', 'crashed', 'the container exited with status 3: oops'],
    [end({ ExitCode: 3 }), '', 'crashed', 'the container exited with status 3'],
    [end({ ExitCode: 137 }), '', 'crashed', 'the container exited with status 137, killed by signal 9'],
    [end({ ExitCode: 137, OOMKilled: true }), '', 'crashed', 'the container was killed: out of memory'],
    [
      end({ ExitCode: 127 }),
      '[FATAL tini (7)] exec /nope failed: No such file or directory',
      'invalid',
      '[FATAL tini (7)] exec /nope failed: No such file or directory',
    ],
    [
      end({ ExitCode: 127, Error: 'exec: "/nope": no such file or directory' }),
      '',
      'invalid',
      'exec: "/nope": no such file or directory',
    ],
  ])('%o is told: %s', (state, log, code, message) => {
    expect(problemOfEnd(state, log)).toEqual({ code, message, final: true })
  })

  it('is temporary where the linker said so with status 75', () => {
    expect(problemOfEnd(end({ ExitCode: 75 }), 'try again')).toEqual({
      code: 'unavailable',
      message: 'the container exited with status 75: try again',
      final: false,
    })
  })
})

describe('a task', () => {
  it.each([
    [{ State: 'rejected', Err: 'No such image: nope.invalid/x:latest' }, 'image', true],
    [{ State: 'failed', Err: 'task: non-zero exit (4)' }, 'crashed', true],
    [
      {
        State: 'failed',
        Err: 'starting container failed: OCI runtime create failed: exec: "/nope": no such file',
      },
      'invalid',
      true,
    ],
    [
      { State: 'pending', Err: 'no suitable node (insufficient resources on 1 node)' },
      'unschedulable',
      false,
    ],
    [{ State: 'orphaned' }, 'other', true],
  ])('%o is "%s", final: %s', (status, code, final) => {
    expect(problemOfTask(status, '')).toEqual({
      code,
      final,
      message: 'Err' in status ? status.Err : expect.any(String),
    })
  })

  it('is temporary where the linker said so with status 75', () => {
    const status = { State: 'failed', Err: 'task: non-zero exit (75)' }
    expect(hasExited(status)).toBe(true)
    expect(problemOfTask(status, 'try again')).toEqual({
      code: 'unavailable',
      message: 'task: non-zero exit (75): try again',
      final: false,
    })
  })

  it.each(['new', 'pending', 'preparing', 'running', 'complete', 'shutdown'])(
    'that is %s has none',
    (State) => {
      expect(problemOfTask({ State }, '')).toBeUndefined()
    },
  )
})
