import type { Problem } from '@brxy/scaler'
import {
  type ContainerState,
  type ContainerStatus,
  conditionOf,
  type Job,
  type PlatformEvent,
  type Pod,
  type Status,
} from './objects.ts'

/** Two ends of a container within this time are one after the other: its next start will end so, too. */
const AGAIN_MS = 60_000
/** EX_TEMPFAIL of sysexits.h: "try again later"; a linker that never served ends with it. */
const TEMPORARY_FAILURE = 75

/** What registries and runtimes say of an image that is not there, or not for us. */
const NO_IMAGE =
  /not found|manifest unknown|access denied|unauthorized|authorization failed|invalid reference/i

/** Why an object was refused when it was to be created: the answer's status and body. */
export function problemOfRefusal(httpStatus: number, status: Status): Problem {
  const message = status.message ?? `the API answered ${httpStatus}`
  if (httpStatus === 403) return problemOfForbidden(message)
  if (httpStatus === 401) return denied(message)
  return { code: httpStatus === 404 || httpStatus < 500 ? 'invalid' : 'unavailable', message, final: true }
}

/** Admission and authorization both answer 403; only the text tells what it was. */
function problemOfForbidden(message: string): Problem {
  if (message.includes('exceeded quota')) return { code: 'quota', message, final: true }
  if (message.includes('violates PodSecurity')) return { code: 'invalid', message, final: true }
  return denied(message)
}

function denied(message: string): Problem {
  return { code: 'denied', message, final: true }
}

/** Why a controller (of a Job, of a ReplicaSet) could not create a pod, by the text of its event or condition. */
export function problemOfCreation(message: string): Problem {
  if (message.includes('forbidden')) return problemOfForbidden(message)
  return { code: 'other', message, final: false }
}

/** The same, of the newest event that says so. */
export function problemOfEvents(events: readonly PlatformEvent[]): Problem | undefined {
  const event = events.findLast(({ reason }) => reason === 'FailedCreate')
  return event && problemOfCreation(event.message ?? 'the pod could not be created')
}

/** Why a Job has failed, where no pod is left to tell. */
export function problemOfJob({ status }: Job): Problem | undefined {
  const failed = conditionOf(status?.conditions, 'Failed', 'True')
  if (failed === undefined) return undefined
  const message = failed.message ?? failed.reason ?? 'the Job has failed'
  return { code: 'crashed', message, final: true }
}

/**
 * Why a pod does not start, or how it ended badly; undefined if all is well so far.
 *
 * @param isRestarted a container that ends badly once may come yet: a workload's are started again, for ever
 */
export function problemOfPod({ spec, status }: Pod, isRestarted = false): Problem | undefined {
  if (status === undefined) return undefined
  const hasEnded = status.phase === 'Succeeded' || status.phase === 'Failed'
  const sidecars = sidecarsOf(spec)
  const problems: Problem[] = []
  for (const container of [...(status.initContainerStatuses ?? []), ...(status.containerStatuses ?? [])]) {
    const isSidecar = sidecars.has(container.name)
    // Those are ended after the others, and how they end is no matter (KEP-753).
    if (isSidecar && hasEnded) continue
    const problem = problemOfContainer(container, isRestarted || isSidecar)
    if (problem?.final === true) return problem
    if (problem !== undefined) problems.push(problem)
  }
  if (problems.length > 0) return problems[0]
  if (status.phase === 'Failed') {
    const reason = [status.reason, status.message].filter((each) => each !== undefined).join(': ')
    return { code: 'crashed', message: reason || 'the pod has failed', final: true }
  }
  const unscheduled = conditionOf(status.conditions, 'PodScheduled', 'False')
  if (unscheduled === undefined) return undefined
  // Never final: a cluster that grows makes room.
  return { code: 'unschedulable', message: unscheduled.message ?? 'no node takes the pod', final: false }
}

/** Init containers that run beside the others. The kubelet starts them again whatever the pod's own policy is (KEP-753). */
function sidecarsOf(spec: Pod['spec']): ReadonlySet<string> {
  const sidecars = spec?.initContainers?.filter(({ restartPolicy }) => restartPolicy === 'Always') ?? []
  return new Set(sidecars.map(({ name }) => name))
}

function problemOfContainer(container: ContainerStatus, isRestarted: boolean): Problem | undefined {
  const { name, state, lastState, restartCount = 0, ready } = container
  const waiting = problemOfWaiting(name, state?.waiting)
  if (waiting !== undefined) return waiting
  // An init container that is done.
  if (ready === true) return undefined
  // What runs may be parked, and not be ready for that reason; what waits for anything else has not ended.
  if (state?.terminated === undefined && state?.waiting?.reason !== 'CrashLoopBackOff') return undefined
  const end = problemOfEnd(name, state.terminated ?? lastState?.terminated)
  const isFinal = !isRestarted || isEndingAgain(container)
  if (end === undefined)
    return isRestarted && isFinal ? crashed(`container "${name}" ended${times(restartCount)}`) : undefined
  if (end.code !== 'crashed') return end
  return { ...end, message: end.message + times(restartCount), final: isFinal }
}

function times(restarts: number): string {
  return restarts === 0 ? '' : ` (restarted ${restarts === 1 ? 'once' : `${restarts} times`})`
}

/** Earlier restarts may be long ago. It ends again and again if the kubelet says so, which it does late, or if it ended just before. */
function isEndingAgain({ state, lastState }: ContainerStatus): boolean {
  const [now, before] = [state?.terminated?.finishedAt, lastState?.terminated?.finishedAt]
  if (now === undefined) return state?.waiting !== undefined
  return before !== undefined && Date.parse(now) - Date.parse(before) <= AGAIN_MS
}

function problemOfWaiting(name: string, waiting: ContainerState['waiting']): Problem | undefined {
  const { reason = '', message } = waiting ?? {}
  const text = `container "${name}": ${message ?? reason}`
  switch (reason) {
    case 'ImagePullBackOff':
    case 'InvalidImageName':
    case 'ErrImageNeverPull':
      return { code: 'image', message: text, final: true }
    // One failure: the next attempt decides, 10 s later, unless the registry has said that there is no such image.
    case 'ErrImagePull':
      return { code: 'image', message: text, final: NO_IMAGE.test(text) }
    case 'RegistryUnavailable':
    case 'ImageInspectError':
      return { code: 'image', message: text, final: false }
    case 'CreateContainerConfigError':
    case 'CreateContainerError':
    case 'RunContainerError':
      return { code: 'invalid', message: text, final: true }
    default:
      return undefined
  }
}

function problemOfEnd(name: string, ended: ContainerState['terminated']): Problem | undefined {
  if (ended === undefined || (ended.exitCode === 0 && ended.reason !== 'Error')) return undefined
  const { exitCode, reason, message } = ended
  // The runtime could not start it: the command is not there, or may not be run.
  if (reason === 'StartError' || reason === 'ContainerCannotRun')
    return { code: 'invalid', message: `container "${name}": ${message ?? reason}`, final: true }
  const why = reason === undefined || reason === 'Error' ? '' : ` (${reason})`
  const said = message === undefined ? '' : `: ${message.trim()}`
  const text = `container "${name}" exited with status ${exitCode}${why}${said}`
  if (exitCode === TEMPORARY_FAILURE) return { code: 'unavailable', message: text, final: false }
  return crashed(text)
}

function crashed(message: string): Problem {
  return { code: 'crashed', message, final: true }
}
