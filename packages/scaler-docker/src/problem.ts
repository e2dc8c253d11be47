import type { Problem } from '@brxy/scaler'
import { ApiError } from '@brxy/scaler/api'

/** EX_TEMPFAIL of sysexits.h: "try again later"; a linker that never served ends with it. */
const TEMPORARY_FAILURE = 75

/** A launch that failed for good. The message is the Engine's own, in which an operator can search. */
function failed(code: Problem['code'], message: string): Problem {
  return { code, message, final: true }
}

const IMAGE =
  /no such image|pull access denied|manifest unknown|manifest for .* not found|invalid reference format|repository does not exist|not found: manifest|unauthorized|no match for platform|does not match the specified platform/i
const NO_ROOM =
  /no space left on device|not enough memory|cannot allocate memory|disk quota exceeded|too many open files/i

/** What it means that the Engine refused to create or start something. */
export function problemOfRefusal({ status, message }: ApiError): Problem {
  if (IMAGE.test(message)) return failed('image', message)
  if (NO_ROOM.test(message)) return failed('quota', message)
  if (status === 401 || status === 403) return failed('denied', message)
  // 400 and 404: a bad command, a network or volume that is not there; 406 and 503: no manager of a Swarm.
  if (status < 500 || status === 503) return failed('invalid', message)
  return failed(/OCI runtime|exec:|mount|network .* not found/i.test(message) ? 'invalid' : 'other', message)
}

/** What it means that an image could not be had. */
export function problemOfPull(image: string, message: string): Problem {
  return failed('image', `cannot pull ${image}: ${message}`)
}

/** The problem of a policy that pulls nothing. */
export function notPulled(image: string, message: string): Problem {
  return failed('image', `${message}, and pull: never (${image})`)
}

/** How a container ended. */
export interface ContainerEnd {
  readonly ExitCode: number
  readonly OOMKilled: boolean
  /** The Engine's words, of one that could not be started. */
  readonly Error: string
}

/**
 * What the end of a container means. Status 0 is no problem: an instance that has done its work.
 *
 * @param log the last that it wrote
 */
export function problemOfEnd(
  { ExitCode, OOMKilled, Error: reason }: ContainerEnd,
  log: string,
): Problem | undefined {
  if (reason !== '') return problemOfRefusal(new ApiError(400, reason))
  if (OOMKilled) return failed('crashed', withLog('the container was killed: out of memory', log))
  if (ExitCode === 0) return undefined
  const unstarted = initFailure(log)
  if (unstarted !== undefined) return unstarted
  const signal = ExitCode > 128 && ExitCode < 160 ? `, killed by signal ${ExitCode - 128}` : ''
  return problemOfStatus(ExitCode, withLog(`the container exited with status ${ExitCode}${signal}`, log))
}

/** What it means that a command ran, and ended with a status other than 0. */
function problemOfStatus(status: number, message: string): Problem {
  if (status === TEMPORARY_FAILURE) return { code: 'unavailable', message, final: false }
  return failed('crashed', message)
}

/** A task's status, as Swarm reports it. */
export interface TaskStatus {
  readonly State: string
  readonly Err?: string
  readonly Message?: string
  readonly ContainerStatus?: { readonly ExitCode?: number }
}

/** "starting container failed: ..." never ran; "task: non-zero exit (4)" did. */
const NON_ZERO = /^task: non-zero exit \((\d+)\)/

/** Whether its command ran, and ended badly: then its last words say why. */
export function hasExited({ State, Err = '' }: TaskStatus): boolean {
  return State === 'failed' && NON_ZERO.test(Err)
}

/** What is wrong with a task, if anything is. */
export function problemOfTask(
  { State, Err = '', ContainerStatus }: TaskStatus,
  log: string,
): Problem | undefined {
  switch (State) {
    case 'failed': {
      const [, status] = NON_ZERO.exec(Err) ?? []
      if (status !== undefined) return initFailure(log) ?? problemOfStatus(Number(status), withLog(Err, log))
      return problemOfRefusal(
        new ApiError(400, Err || `the task failed with status ${ContainerStatus?.ExitCode}`),
      )
    }
    case 'rejected':
      return problemOfRefusal(new ApiError(400, Err || 'the node rejected the task'))
    case 'orphaned':
      return failed('other', Err || 'the node of the task was lost')
    case 'new':
    case 'pending':
      // Never final: a node may come, or be made.
      if (Err === '') return undefined
      return { code: 'unschedulable', message: Err, final: false }
    default:
      return undefined
  }
}

/** The init process that the Engine puts before the command has started, and the command has not. */
function initFailure(log: string): Problem | undefined {
  const [line] = /\[FATAL tini [^\]]*\] exec .*/.exec(log) ?? []
  return line === undefined ? undefined : failed('invalid', line)
}

function withLog(message: string, log: string): string {
  return log === '' ? message : `${message}: ${log}`
}
