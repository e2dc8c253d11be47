import { isMachine } from './sans-io.ts'
import type { SourceFile } from './tree.ts'

/** A class that remembers something from one call to the next. */
const STATEFUL = /^(?:export )?class [\s\S]*?^ {2}(?:#\w+(?::| =)|readonly #\w+ = (?:new |\[))/m
/** A test of any history, or of any input; `history.testkit.ts` runs one on fast-check. */
const IS_PROPERTY = /from '(?:fast-check|\.\/history\.testkit\.ts)'/

/** Machines whose invariants are stated somewhere else than beside them: in which test, and why. */
export const ELSEWHERE: readonly [machine: RegExp, test: string, why: string][] = [
  [
    /^packages\/http1\/src\/(?!error)/,
    'packages/http1/src/vectors.test.ts',
    'parts of the two decoders: every split of every vector gives the same events',
  ],
  [
    /^packages\/protocol\/src\/session\//,
    'packages/protocol/src/session/property.test.ts',
    'parts of a session, of which only two together make sense',
  ],
  [/^packages\/edge\/src\/hold\/lane\.ts$/, 'packages/edge/src/hold/queue.test.ts', 'a part of the queue'],
  [
    /^packages\/edge\/src\/scale\/(?:calls|fleet|members)\.ts$/,
    'packages/edge/src/scale/controller.test.ts',
    'what the rules of scaling share, with no rule of its own',
  ],
  [
    /^packages\/edge\/src\/scale\/(?:app-demand|warm-min)\.ts$/,
    'packages/edge/src/scale/keep-warm.test.ts',
    'remembers the last answer, or the last number told; the calendar is the machine',
  ],
  [
    /^packages\/linker\/src\/life\//,
    'packages/linker/src/life/history.test.ts',
    'parts of the life of a linker, tested as a whole',
  ],
  [
    /^packages\/linker\/src\/ledger\/slot-count\.ts$/,
    'packages/linker/src/ledger/ledger.test.ts',
    'a part of the ledger',
  ],
]

/** A machine with nothing to state: a table says all of it. */
export const BY_TABLE: ReadonlyMap<string, string> = new Map([
  ['packages/scaler/src/api/retry-pace.ts', 'three calls on three numbers, shared by the adapters'],
])

export function isStateful({ path, text }: SourceFile): boolean {
  return isMachine(path) && STATEFUL.test(text)
}

/**
 * Machines that remember something, and of which no test states what is so in any history.
 *
 * @param textOf a file of the repository; null: there is none
 */
export function unstated(sources: readonly SourceFile[], textOf: (path: string) => string | null): string[] {
  const isStatedIn = (test: string) => IS_PROPERTY.test(textOf(test) ?? '')
  return sources.filter(isStateful).flatMap(({ path }) => {
    const own = path.slice(0, -'.ts'.length)
    if ([`${own}.property.test.ts`, `${own}.test.ts`].some(isStatedIn) || BY_TABLE.has(path)) return []
    const elsewhere = ELSEWHERE.find(([machine]) => machine.test(path))
    if (elsewhere === undefined) return [`${path}: no ${own}.property.test.ts states its invariants`]
    return isStatedIn(elsewhere[1]) ? [] : [`${path}: ${elsewhere[1]} states none`]
  })
}
