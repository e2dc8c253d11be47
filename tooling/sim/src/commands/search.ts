import { type SearchOptions, type SearchReport, search } from '../search/search.ts'

const NOTHING = { requests: 0, cuts: 0, timeouts: 0, shrinks: 0, suspicions: 0, leaves: 0 }

/** Small worlds that are searched to their end in seconds, each with something else that may happen to it. */
const SHALLOW: readonly SearchOptions[] = [
  {
    edges: 1,
    slots: 1,
    budget: { ...NOTHING, requests: 2, cuts: 1, timeouts: 1, leaves: 1 },
    maxStates: 50_000,
  },
  {
    edges: 1,
    slots: 1,
    budget: { ...NOTHING, requests: 2, shrinks: 1, suspicions: 1, cuts: 1 },
    maxStates: 50_000,
  },
  { edges: 1, slots: 2, budget: { ...NOTHING, requests: 3, cuts: 1 }, maxStates: 50_000 },
  {
    edges: 2,
    slots: 1,
    budget: { ...NOTHING, requests: 2, cuts: 1, timeouts: 1 },
    maxStates: 50_000,
  },
  { edges: 2, slots: 2, budget: { ...NOTHING, requests: 3 }, maxStates: 50_000 },
  { edges: 2, slots: 2, budget: { ...NOTHING, requests: 2, timeouts: 1 }, maxStates: 50_000 },
]

/** The same with more of everything: minutes. */
const DEEP: readonly SearchOptions[] = [
  {
    edges: 1,
    slots: 1,
    budget: { requests: 2, cuts: 1, timeouts: 1, shrinks: 1, suspicions: 1, leaves: 1 },
    maxStates: 500_000,
  },
  {
    edges: 1,
    slots: 2,
    budget: { ...NOTHING, requests: 3, cuts: 1, timeouts: 1, leaves: 1 },
    maxStates: 500_000,
  },
  {
    edges: 1,
    slots: 2,
    budget: { ...NOTHING, requests: 3, cuts: 1, shrinks: 1, suspicions: 1 },
    maxStates: 500_000,
  },
  {
    edges: 2,
    slots: 1,
    budget: { ...NOTHING, requests: 2, cuts: 1, timeouts: 1, leaves: 1 },
    maxStates: 500_000,
  },
  {
    edges: 2,
    slots: 2,
    budget: { ...NOTHING, requests: 2, cuts: 1, timeouts: 1 },
    maxStates: 500_000,
  },
  {
    edges: 2,
    slots: 2,
    budget: { ...NOTHING, requests: 2, shrinks: 1, timeouts: 1 },
    maxStates: 500_000,
  },
]

/** Runs all of them. @param isDeep the large ones too */
export async function searchAll(isDeep: boolean, say: (line: string) => void): Promise<SearchReport[]> {
  const reports: SearchReport[] = []
  for (const options of isDeep ? [...SHALLOW, ...DEEP] : SHALLOW) {
    const report = await search(options)
    const { edges, slots, states, moves, depth, isExhausted, failure } = report
    const end = isExhausted ? 'exhausted' : failure === null ? 'given up' : `WRONG: ${failure.message}`
    say(`${edges} edge(s), ${slots} slot(s): ${states} states, ${moves} moves, ${depth} deep, ${end}`)
    for (const move of failure?.path ?? []) say(`  ${move}`)
    reports.push(report)
  }
  return reports
}
