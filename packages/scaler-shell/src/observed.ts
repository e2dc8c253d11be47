import { type Instance, type Problem, ScalerError } from '@brxy/scaler'

/** What a script may know less of than an adapter does: only the id is required. */
type Line = Partial<Record<keyof Instance, unknown>>

const STATES: readonly string[] = ['starting', 'running', 'ended'] satisfies Instance['state'][]
const CODES: readonly string[] = [
  ...['image', 'quota', 'unschedulable', 'denied', 'invalid', 'crashed', 'unavailable', 'other'],
] satisfies string[]
/** A list of ids is divided by spaces, in `BRXY_REMOVE`. */
const ID = /^[!-~]{1,253}$/

/**
 * What an `observe` command has listed. A line is an {@link Instance} as JSON; empty ones are skipped. `state` is `running`
 * unless it says otherwise, and `since` the time at which the id was first seen in that state.
 */
export class Observed {
  readonly #program: string
  /** For ids whose lines do not say it. */
  #firstSeen = new Map<string, number>()

  constructor(program: string) {
    this.#program = program
  }

  /** @throws ScalerError `scaler/unavailable` that names the line, what is wrong there, and what it has to be */
  parse(lines: readonly string[], nowMs: number): Instance[] {
    const instances = new Map<string, Instance>()
    const firstSeen = new Map<string, number>()
    lines.forEach((text, at) => {
      if (text.trim() === '') return
      const wrong = (why: string): never => {
        const message = `line ${at + 1} of "${this.#program}" ${why}; an instance is {"id": "web-1"}`
        throw new ScalerError('scaler/unavailable', message, { retryable: false })
      }
      const line = parseObject(text) ?? wrong('is no JSON object')
      const instance = this.#instance(line, firstSeen, nowMs, wrong)
      if (instances.has(instance.id)) wrong(`lists ${instance.id} again`)
      instances.set(instance.id, instance)
    })
    this.#firstSeen = firstSeen
    return [...instances.values()]
  }

  #instance(
    { id, launch, state = 'running', since, order, problem }: Line,
    firstSeen: Map<string, number>,
    nowMs: number,
    wrong: (why: string) => never,
  ): Instance {
    if (typeof id !== 'string' || !ID.test(id)) return wrong('has no id of 1 to 253 printable characters')
    if (!STATES.includes(state as string)) return wrong(`has a state that is none of ${STATES.join(', ')}`)
    if (launch !== undefined && typeof launch !== 'string') return wrong('has a launch that is no text')
    if (since !== undefined && !Number.isSafeInteger(since)) return wrong('has a since that is no epoch ms')
    if (order !== undefined && !Number.isFinite(order)) return wrong('has an order that is no number')
    if (problem !== undefined && !isProblem(problem))
      return wrong(`has a problem without one of the codes ${CODES.join(', ')}, message or final`)
    const key = `${state} ${id}`
    const seen = this.#firstSeen.get(key) ?? nowMs
    firstSeen.set(key, seen)
    return {
      id,
      ...(launch === undefined ? {} : { launch }),
      state: state as Instance['state'],
      since: (since as number | undefined) ?? seen,
      ...(order === undefined ? {} : { order: order as number }),
      ...(problem === undefined ? {} : { problem }),
    }
  }
}

function parseObject(text: string): Line | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isProblem(value: unknown): value is Problem {
  if (typeof value !== 'object' || value === null) return false
  const { code, message, final } = value as Record<string, unknown>
  return CODES.includes(code as string) && typeof message === 'string' && typeof final === 'boolean'
}
