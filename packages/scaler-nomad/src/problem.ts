import { type Problem, ScalerError } from '@brxy/scaler'
import { ApiError, isStatus } from '@brxy/scaler/api'
import type { AllocStub, PlacementFailure, TaskEvent } from './nomad-api.ts'

/** In what a driver says of an image that it can't have. */
const IMAGE =
  /failed to (pull|download)|pull access denied|no such image|manifest (unknown|for .* not found)|invalid reference format/i
/** EX_TEMPFAIL of sysexits.h: "try again later"; a linker that never served ends with it. */
const TEMPORARY_FAILURE = '75'
/** What passes: an election, a server that starts, too many requests. */
const PASSING = /no cluster leader|no path to region|rpc error|leadership lost|not ready to serve/i

/**
 * What it means that Nomad refused to start a launch.
 *
 * @throws ScalerError `scaler/unavailable` if it is not the launch's fault: the same may succeed soon
 */
export function problemOfRefusal({ status, message, isDenied }: ApiError): Problem {
  if (status === 429 || status === 503 || PASSING.test(message)) throw unavailable(message)
  if (isDenied) return { code: 'denied', message: `Nomad: ${message}`, final: true }
  // 404: there is no such job. 400 and 500: it takes no such meta, or is no parameterized job.
  return { code: 'invalid', message: `Nomad: ${message}`, final: true }
}

/** Each change of a count begins a deployment, unless the job says otherwise, and no other change is taken before its end. */
export function isDeploying(error: unknown): boolean {
  return error instanceof ApiError && error.status === 400 && error.message.includes('active deployment')
}

/** Why a look, or a change to a job that exists, failed as a whole. */
export function errorOfRefusal({ status, message, isDenied }: ApiError): ScalerError {
  if (isDenied)
    return new ScalerError('scaler/denied', `Nomad: ${message}; the token's policy has to allow it`)
  // The job, for nothing else is looked at by its name.
  if (status === 404) return new ScalerError('scaler/invalid', `Nomad: ${message}; register it first`)
  return unavailable(message)
}

/** What is to be removed is not there (any more): Nomad says so with 404 or 500. */
export function isAbsent(error: unknown): boolean {
  return isStatus(error, 404) || (error instanceof ApiError && error.message.includes('job not found'))
}

function unavailable(message: string): ScalerError {
  return new ScalerError('scaler/unavailable', `Nomad: ${message}`)
}

/** What is wrong with an allocation, from what happened to its tasks; undefined if nothing is. */
export function problemOfAllocation({ ClientStatus, TaskStates }: AllocStub): Problem | undefined {
  const isOver = ClientStatus === 'failed' || ClientStatus === 'lost'
  if (ClientStatus === 'lost')
    return { code: 'other', message: 'the node of the allocation was lost', final: true }
  const events = Object.values(TaskStates ?? {}).flatMap(({ Events }) => Events ?? [])
  const event = events.findLast(isBad)
  if (event === undefined)
    return isOver ? { code: 'crashed', message: lastOf(events), final: true } : undefined
  // Whether Nomad tries again it says a moment later: until then nothing is concluded.
  if (!isOver && events.at(-1)?.Type !== 'Restarting') return undefined
  const code = codeOf(event)
  return { code, message: event.DisplayMessage, final: isOver && code !== 'unavailable' }
}

/** Why a group has no node: never final, for a node may come, or be made. */
export function problemOfPlacement(group: string, failure: PlacementFailure): Problem {
  const { NodesEvaluated, ConstraintFiltered, DimensionExhausted, QuotaExhausted } = failure
  if (QuotaExhausted?.length) {
    return { code: 'quota', message: `quota exhausted: ${QuotaExhausted.join(', ')}`, final: false }
  }
  const reasons = [
    ...Object.entries(ConstraintFiltered ?? {}).map(
      ([constraint, nodes]) => `${constraint}: ${nodes} filtered`,
    ),
    ...Object.entries(DimensionExhausted ?? {}).map(
      ([dimension, nodes]) => `${dimension} exhausted on ${nodes}`,
    ),
  ]
  const why = reasons.length === 0 ? '' : `: ${reasons.join('; ')}`
  const message = `no node takes group "${group}" (${NodesEvaluated} evaluated)${why}`
  return { code: 'unschedulable', message, final: false }
}

function isBad({ Type, Details }: TaskEvent): boolean {
  switch (Type) {
    case 'Driver Failure':
    case 'Setup Failure':
    case 'Failed Validation':
    case 'Failed Artifact Download':
      return true
    case 'Terminated':
      return Details?.exit_code !== '0' || (Details?.signal ?? '0') !== '0'
    default:
      return false
  }
}

function codeOf({ Type, DisplayMessage, Details }: TaskEvent): Problem['code'] {
  if (Type === 'Terminated') return Details?.exit_code === TEMPORARY_FAILURE ? 'unavailable' : 'crashed'
  return Type === 'Failed Artifact Download' || IMAGE.test(DisplayMessage) ? 'image' : 'invalid'
}

function lastOf(events: readonly TaskEvent[]): string {
  return events.at(-1)?.DisplayMessage ?? 'the allocation failed'
}
