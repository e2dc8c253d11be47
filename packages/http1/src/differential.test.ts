import { describe, expect, it } from 'vitest'
import { LLHTTP_METHODS, runLlhttp } from './llhttp.testkit.ts'
import { mutate, pick, randomFrom } from './mutate.testkit.ts'
import { type Event, loadVectors, recordRequest, recordResponse } from './recorder.testkit.ts'

const CASES = 6000
/** The same cases everywhere; `pnpm fuzz --target http1` tries others. */
const SEED = Number(process.env.HTTP1_SEED ?? 20261122)
const REPLAY = `HTTP1_SEED=${SEED}`

interface Joined {
  head: Record<string, unknown> | null
  heads: number
  body: string
  trailers: [string, string][]
  complete: boolean
}

function join(events: Event[]): Joined {
  const joined: Joined = { head: null, heads: 0, body: '', trailers: [], complete: false }
  for (const event of events) {
    if (event === 'end') joined.complete = true
    else if ('head' in event) {
      joined.head = event.head
      joined.heads++
    } else if ('data' in event) joined.body += event.data
    else if ('trailers' in event) joined.trailers = event.trailers
  }
  return joined
}

/** Whether `wanted` is what is left of `all` when some pairs are left out. */
function isSubsequence(wanted: [string, string][], all: [string, string][]): boolean {
  let at = 0
  for (const [name, value] of all) {
    if (at < wanted.length && wanted[at][0] === name && wanted[at][1] === value) at++
  }
  return at === wanted.length
}

describe('whatever is accepted, llhttp accepts with the same meaning', () => {
  it(`requests (${REPLAY})`, () => {
    const random = randomFrom(SEED)
    const corpus = loadVectors('requests').flatMap((row) => row.cases.map((vector) => vector.input))
    let accepted = 0
    for (let i = 0; i < CASES; i++) {
      const text = mutate(random, pick(random, corpus))
      const bytes = Buffer.from(text, 'latin1')
      const ours = recordRequest(bytes, [bytes.length], { underscores: 'pass' })
      const { head, body, trailers, complete } = join(ours.events)
      if (!complete || head === null) continue
      const method = head.method as string
      if (!LLHTTP_METHODS.has(method) || !/ HTTP\/1\.[01]\r\n/.test(text)) continue
      accepted++
      const theirs = runLlhttp('REQUEST', bytes.subarray(0, ours.consumed), false, false)
      const hint = `${REPLAY} case ${i}: ${JSON.stringify(text)}`
      expect(theirs.error, hint).toBe('')
      expect(theirs.method, hint).toBe(method)
      if (head.form === undefined) expect(theirs.url, hint).toBe(head.target)
      else
        expect(theirs.url.toLowerCase().endsWith((head.target as string).slice(1).toLowerCase()), hint).toBe(
          true,
        )
      expect(theirs.fields, hint).toEqual(ours.allFields)
      expect(theirs.body, hint).toBe(body)
      expect(isSubsequence(trailers, theirs.trailers), hint).toBe(true)
      expect([theirs.completeBefore, theirs.complete], hint).toEqual([0, 1])
    }
    // Else the mutations would have proved nothing.
    expect(accepted).toBeGreaterThan(CASES / 10)
  })

  it(`responses (${REPLAY})`, () => {
    const random = randomFrom(SEED + 1)
    const cases = loadVectors('responses').flatMap((row) => row.cases)
    let accepted = 0
    for (let i = 0; i < CASES; i++) {
      const vector = pick(random, cases)
      const text = mutate(random, vector.input)
      const bytes = Buffer.from(text, 'latin1')
      const ours = recordResponse(bytes, [bytes.length], vector.request, undefined, true)
      const { head, heads, body, trailers, complete } = join(ours.events)
      if (!complete || head === null || heads !== 1) continue
      // llhttp refuses every second Content-Length; equal ones are accepted here because nobody disagrees about them.
      if ((text.match(/^content-length:/gim) ?? []).length > 1) continue
      accepted++
      const skipBody = head.body === 'none'
      const theirs = runLlhttp('RESPONSE', bytes.subarray(0, ours.consumed), skipBody, true)
      const hint = `${REPLAY} case ${i}: ${JSON.stringify(text)}`
      expect(theirs.error, hint).toBe('')
      expect(theirs.status, hint).toBe(head.status)
      expect(theirs.reason, hint).toBe(head.reason)
      expect(theirs.fields, hint).toEqual(ours.allFields)
      expect(theirs.body, hint).toBe(body)
      expect(isSubsequence(trailers, theirs.trailers), hint).toBe(true)
      expect(theirs.complete, hint).toBe(1)
      expect(theirs.completeBefore, hint).toBe(0)
    }
    expect(accepted).toBeGreaterThan(CASES / 10)
  })
})
