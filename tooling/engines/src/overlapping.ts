import { atMost } from './at-most.ts'

/** As of vitest: what the cases of @brxy/scaler/conformance are declared with. */
interface Test {
  (name: string, run: () => Promise<void>, timeoutMs?: number): unknown
  skip(name: string, run: () => Promise<void>): unknown
  concurrent(name: string, run: () => Promise<void>, timeoutMs?: number): unknown
}

/**
 * Cases about the instances of a route of their own. They mostly wait (one of them for half a minute), so they do it beside each
 * other. All others, and those that somebody adds, run alone: they take the platform's API away, count this process's handles,
 * or have a bound that is tight on a busy machine: twenty apps at once are load enough.
 */
const OVERLAPS =
  /: (starts(?! and removes twenty)|makes|hands|removes|does not start|takes|gives|keeps|knows|neither|shows|tells its host,?) /
/** Those that watch for long that nothing happens. */
const LONG = /: does not start /
/** The others that do so make and remove instances all the time: more of them at once only make each other late. */
const MAX_OTHERS = 4

/**
 * Declares cases of the kit, of one adapter or several, so that those that may run beside each other do: the long ones first,
 * then the others, and afterwards those that run alone. A runner has tests overlap only with their neighbours.
 *
 * @param declareAll is given what the cases are to be declared with
 */
export function overlapping(test: Test, declareAll: (test: Pick<Test, 'skip'> & Declare) => void): void {
  const long: (() => void)[] = []
  const others: (() => void)[] = []
  const alone: (() => void)[] = []
  const inTurn = atMost(MAX_OTHERS)
  const declare: Declare = (name, run, timeoutMs) => {
    if (!OVERLAPS.test(name)) return alone.push(() => test(name, run, timeoutMs))
    if (LONG.test(name)) return long.push(() => test.concurrent(name, run, timeoutMs))
    return others.push(() => test.concurrent(name, () => inTurn(run), timeoutMs))
  }
  const skip: Test['skip'] = (name, run) => alone.push(() => test.skip(name, run))
  declareAll(Object.assign(declare, { skip }))
  for (const each of [...long, ...others, ...alone]) each()
}

type Declare = (name: string, run: () => Promise<void>, timeoutMs?: number) => unknown
