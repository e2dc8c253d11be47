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
/**
 * Those that take the platform's API away, or have a bound that is tight. Where each adapter has a way to the platform of its own,
 * one of each may run at a time.
 */
const APART = /: (tells the problem|rejects|sees|ends an aborted) /
/** The others that do so make and remove instances all the time: more of them at once only make each other late. */
const MAX_OTHERS = 4

/**
 * Declares cases of the kit, of one adapter or several, so that those that may run beside each other do: the long ones first,
 * then the others, and afterwards those that run alone. A runner has tests overlap only with their neighbours.
 *
 * @param declareAll is given what the cases are to be declared with
 * @param areApart the adapters share no way to the platform: what befalls that of one is nothing to the others
 */
export function overlapping(
  test: Test,
  declareAll: (test: Pick<Test, 'skip'> & Declare) => void,
  areApart = false,
): void {
  const long: (() => void)[] = []
  const others: (() => void)[] = []
  const alone: (() => void)[] = []
  const apart = new Apart(test)
  const inTurn = atMost(MAX_OTHERS)
  const declare: Declare = (name, run, timeoutMs) => {
    if (areApart && APART.test(name)) return apart.add(name, run, timeoutMs)
    if (!OVERLAPS.test(name)) return alone.push(() => test(name, run, timeoutMs))
    if (LONG.test(name)) return long.push(() => test.concurrent(name, run, timeoutMs))
    return others.push(() => test.concurrent(name, () => inTurn(run), timeoutMs))
  }
  const skip: Test['skip'] = (name, run) => alone.push(() => test.skip(name, run))
  declareAll(Object.assign(declare, { skip }))
  // What runs alone stands between those that overlap in different ways.
  for (const each of [...long, ...others, ...alone, ...apart.declarations()]) each()
}

/** Cases of several adapters, one of each at a time. */
class Apart {
  readonly #test: Test
  readonly #byAdapter = new Map<string, { inTurn: ReturnType<typeof atMost>; cases: (() => void)[] }>()

  constructor(test: Test) {
    this.#test = test
  }

  add(name: string, run: () => Promise<void>, timeoutMs: number | undefined): void {
    const adapter = name.slice(0, name.indexOf(':'))
    const known = this.#byAdapter.get(adapter) ?? { inTurn: atMost(1), cases: [] }
    this.#byAdapter.set(adapter, known)
    known.cases.push(() => this.#test.concurrent(name, () => known.inTurn(run), timeoutMs))
  }

  /** Those of the adapters by turns, for a runner starts only the next few of them. */
  declarations(): (() => void)[] {
    const all = [...this.#byAdapter.values()].map(({ cases }) => cases)
    const most = Math.max(0, ...all.map((cases) => cases.length))
    return Array.from({ length: most }, (_, nth) => all.flatMap((cases) => cases[nth] ?? [])).flat()
  }
}

type Declare = (name: string, run: () => Promise<void>, timeoutMs?: number) => unknown
