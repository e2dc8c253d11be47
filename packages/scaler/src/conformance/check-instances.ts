import type { AppScaler, Instance, Problem } from '../contract.ts'
import { PROBLEM_DOCS } from '../problem.ts'

const STATES: ReadonlySet<string> = new Set(['starting', 'running', 'ended'] satisfies Instance['state'][])

/** Every class of problem that the contract has. */
export const PROBLEM_CODES = Object.keys(PROBLEM_DOCS) as Problem['code'][]

/** Epoch milliseconds are later than this (2001); seconds, and times since a boot, are not. */
const EARLIEST_MS = 1e12
/** A platform's clock may be ahead of ours. */
const MAX_SKEW_MS = 300_000

/**
 * Whether an answer is what the contract says it is.
 *
 * @throws Error that names the field, what it has to be and what it is
 */
export function checkInstances(
  answer: readonly Instance[],
  launches: AppScaler['launches'],
  nowMs: number,
): void {
  if (!Array.isArray(answer)) throw new Error(`an answer must be a list of instances, not ${show(answer)}`)
  const ids = new Set<string>()
  for (const instance of answer) {
    const wrong = wrongWith(instance, launches, nowMs)
    if (wrong !== undefined) throw new Error(`${wrong}, in ${show(instance)}`)
    if (ids.has(instance.id)) throw new Error(`the id ${instance.id} is listed twice, in ${show(answer)}`)
    ids.add(instance.id)
  }
}

function wrongWith(
  { id, launch, state, since, order, problem, kept }: Instance,
  launches: AppScaler['launches'],
  nowMs: number,
): string | undefined {
  if (typeof id !== 'string' || id === '') return 'id must be a text'
  if (launches === 'named' && (typeof launch !== 'string' || launch === ''))
    return 'launch must be given where launches are named'
  if (!STATES.has(state)) return `state must be one of ${[...STATES].join(', ')}`
  if (!Number.isFinite(since) || since < EARLIEST_MS || since > nowMs + MAX_SKEW_MS)
    return 'since must be epoch milliseconds, and not in the future'
  if (order !== undefined && !Number.isFinite(order)) return 'order must be a number'
  if (kept !== undefined && typeof kept !== 'boolean') return 'kept must be true or false'
  return problem === undefined ? undefined : wrongWithProblem(problem)
}

function wrongWithProblem({ code, message, final }: Problem): string | undefined {
  if (!PROBLEM_CODES.includes(code)) return `problem.code must be one of ${PROBLEM_CODES.join(', ')}`
  if (typeof message !== 'string' || message === '') return 'problem.message must be a text for operators'
  return typeof final === 'boolean' ? undefined : 'problem.final must be true or false'
}

function show(value: unknown): string {
  return JSON.stringify(value) ?? String(value)
}
