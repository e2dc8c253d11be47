import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { LLHTTP_METHODS, runLlhttp } from '../../../packages/http1/src/llhttp.testkit.ts'
import { mutate } from '../../../packages/http1/src/mutate.testkit.ts'
import {
  type Event,
  type Recording,
  recordRequest,
  recordResponse,
  type VectorRow,
} from '../../../packages/http1/src/recorder.testkit.ts'
import { demand, same } from './demand.ts'
import type { Random } from './random.ts'
import type { Target } from './target.ts'

/** One message, perhaps broken, and how it comes in. */
export interface Http1Case {
  readonly type: 'request' | 'response'
  readonly text: string
  /** For a response: the method that it answers. */
  readonly method: string
  /** Ends of its pieces. */
  readonly cuts: readonly number[]
}

const load = (name: string): string[] => {
  const path = createRequire(import.meta.url).resolve(`@brxy/http1/vectors/${name}.json`)
  const rows = JSON.parse(readFileSync(path, 'utf8')) as VectorRow[]
  return rows.flatMap(({ cases }) => cases.map(({ input }) => input))
}

/**
 * The codec against llhttp, which node:http runs: whatever http1 accepts, llhttp accepts with the same meaning, and
 * the pieces it comes in make no difference. Broken messages are made from http1's vectors, of which many are good.
 */
export class Http1Target implements Target<Http1Case> {
  readonly name = 'http1'
  readonly counts = { accepted: 0, refused: 0, unfinished: 0 }
  readonly #requests = load('requests')
  readonly #responses = load('responses')

  make(random: Random): Http1Case {
    const type = random.chance(0.6) ? 'request' : 'response'
    let text = mutate(random.next, random.pick(type === 'request' ? this.#requests : this.#responses))
    // Two of one kind in one: whatever belongs to one must not leak into the other.
    if (random.chance(0.2)) text += mutate(random.next, random.pick(this.#requests))
    const method = random.chance(0.8) ? 'GET' : random.pick(['HEAD', 'POST', 'OPTIONS'])
    return { type, text, method, cuts: random.cuts(text.length) }
  }

  run({ type, text, method, cuts }: Http1Case): void {
    const bytes = Buffer.from(text, 'latin1')
    const pieces = cuts.map((end, at) => end - (cuts[at - 1] ?? 0))
    const record = (sizes: readonly number[]) =>
      type === 'request'
        ? recordRequest(bytes, sizes, { underscores: 'pass' }, true)
        : recordResponse(bytes, sizes, { method }, undefined, true)
    const whole = record(bytes.length === 0 ? [] : [bytes.length])
    same(record(pieces).events, whole.events, 'the pieces make a difference')
    const message = meaningOf(whole)
    if (!message.isComplete) {
      this.counts[message.isRefused ? 'refused' : 'unfinished']++
      return
    }
    this.counts.accepted++
    this.#compare(type, bytes.subarray(0, whole.consumed), whole, message, text)
  }

  #compare(type: Http1Case['type'], bytes: Buffer, ours: Recording, message: Meaning, text: string): void {
    const { head } = message
    if (message.heads !== 1 || head === null) return
    if (type === 'request') {
      // What llhttp does not know says nothing.
      if (!LLHTTP_METHODS.has(head.method as string) || !/^(?:\r\n)?\S+ \S+ HTTP\/1\.[01]\r\n/.test(text))
        return
      const theirs = runLlhttp('REQUEST', bytes, false, false)
      demand(theirs.error === '', `llhttp refuses it: ${theirs.error}`)
      same(theirs.method, head.method, 'method')
      if (head.form === undefined) same(theirs.url, head.target, 'target')
      same(theirs.fields, ours.allFields, 'fields')
      same(theirs.body, message.body, 'body')
      same([theirs.completeBefore, theirs.complete], [0, 1], 'the end')
      return
    }
    // llhttp refuses every second Content-Length; equal ones are accepted here because nobody disagrees about them.
    if ((text.match(/^content-length:/gim) ?? []).length > 1) return
    const theirs = runLlhttp('RESPONSE', bytes, head.body === 'none', true)
    demand(theirs.error === '', `llhttp refuses it: ${theirs.error}`)
    same(theirs.status, head.status, 'status')
    same(theirs.fields, ours.allFields, 'fields')
    same(theirs.body, message.body, 'body')
    same(theirs.complete, 1, 'the end')
  }

  async close(): Promise<void> {}
}

interface Meaning {
  head: Record<string, unknown> | null
  heads: number
  body: string
  isComplete: boolean
  isRefused: boolean
}

function meaningOf({ events }: Recording): Meaning {
  const meaning: Meaning = { head: null, heads: 0, body: '', isComplete: false, isRefused: false }
  for (const event of events as Event[]) {
    if (event === 'end') meaning.isComplete = true
    else if ('head' in event) {
      meaning.head = event.head
      meaning.heads++
    } else if ('data' in event) meaning.body += event.data
    else if ('error' in event) meaning.isRefused = true
  }
  return meaning
}
