import type { AllocStub, NomadApi } from './nomad-api.ts'

/** Between two attempts to listen, doubling. Nobody depends on it: the edge looks by itself as well. */
const RETRY_MIN_MS = 1_000
const RETRY_MAX_MS = 30_000

/** Which jobs' allocations change. Begins when it is first asked for, and listens until it is closed. */
export class EventStream {
  readonly #api: NomadApi
  readonly #onJob: (job: string) => void
  readonly #abort = new AbortController()
  #isOpen = false
  #retryMs = RETRY_MIN_MS
  #timer: NodeJS.Timeout | undefined

  constructor(api: NomadApi, onJob: (job: string) => void) {
    this.#api = api
    this.#onJob = onJob
  }

  open(): void {
    if (this.#isOpen || this.#abort.signal.aborted) return
    this.#isOpen = true
    void this.#listen()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#abort.abort()
  }

  async #listen(): Promise<void> {
    try {
      await this.#api.events((line) => {
        this.#retryMs = RETRY_MIN_MS
        for (const job of jobsIn(line)) this.#onJob(job)
      }, this.#abort.signal)
    } catch {
      // Whoever calls the agent hears what is wrong with it.
    }
    if (this.#abort.signal.aborted) return
    this.#timer = setTimeout(() => this.#listen(), this.#retryMs).unref()
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MAX_MS)
  }
}

/** `{"Index": 7, "Events": [{"Payload": {"Allocation": {...}}}]}`; `{}` now and then, to be heard. */
function jobsIn(line: string): readonly string[] {
  try {
    const { Events } = JSON.parse(line) as {
      Events?: readonly { Payload?: { Allocation?: Pick<AllocStub, 'JobID'> } }[]
    }
    return (Events ?? []).flatMap(({ Payload }) => Payload?.Allocation?.JobID ?? [])
  } catch {
    return []
  }
}
