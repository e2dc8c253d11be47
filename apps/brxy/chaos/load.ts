import { Agent } from 'node:http'
import { type Answer, ask } from '@brxy-tooling/testkit'

/** What became of one request: a status, or why there was none. */
export type Outcome = number | string

/** One request for work, by id. Whatever happens, there is an outcome. */
export async function outcomeOf(
  port: number,
  method: string,
  path: string,
  agent?: Agent,
): Promise<{ outcome: Outcome; answer: Answer | null }> {
  try {
    const answer = await ask(port, path, { method, ...(agent === undefined ? {} : { agent }) })
    return { outcome: answer.status, answer }
  } catch (error) {
    return { outcome: (error as Error).message, answer: null }
  }
}

/** Requests that come at a steady pace, whatever becomes of those before: an open loop, as people are. */
export class Load {
  readonly outcomes: Outcome[] = []
  readonly tookMs: number[] = []
  /** What answers said: of the counting application, its process ids. */
  readonly texts = new Set<string>()
  readonly #port: number
  readonly #agent = new Agent({ keepAlive: true })
  readonly #running = new Set<Promise<void>>()
  readonly #path: (id: number) => string
  #count = 0
  #perSecond: number
  #timer: NodeJS.Timeout | null = null

  constructor(port: number, perSecond: number, path: (id: number) => string) {
    this.#port = port
    this.#perSecond = perSecond
    this.#path = path
  }

  get count(): number {
    return this.#count
  }

  set perSecond(perSecond: number) {
    this.#perSecond = perSecond
  }

  start(): this {
    let owed = 0
    let before = performance.now()
    this.#timer = setInterval(() => {
      const now = performance.now()
      owed += ((now - before) / 1000) * this.#perSecond
      before = now
      for (; owed >= 1; owed--) this.#begin()
    }, 10)
    return this
  }

  #begin(): void {
    const since = performance.now()
    const request = outcomeOf(this.#port, 'GET', this.#path(this.#count++), this.#agent).then(
      ({ outcome, answer }) => {
        this.outcomes.push(outcome)
        if (answer !== null) this.texts.add(answer.text)
        this.tookMs.push(performance.now() - since)
        this.#running.delete(request)
      },
    )
    this.#running.add(request)
  }

  /** Resolves when all have ended that run now; more may begin meanwhile. */
  async passed(): Promise<void> {
    await Promise.all([...this.#running])
  }

  /** No more requests. Resolves when all have ended. */
  async stop(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer)
    while (this.#running.size > 0) await Promise.all(this.#running)
    this.#agent.destroy()
  }

  /** Those that were not answered 200. */
  get failures(): Outcome[] {
    return this.outcomes.filter((outcome) => outcome !== 200)
  }
}

/** The value below which so many of 100 are. */
export function percentile(values: readonly number[], hundredths: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * hundredths) / 100))]
}
