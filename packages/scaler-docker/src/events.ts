import type { DockerClient } from './client.ts'

/** Between two attempts to listen, doubling up to the second. Nobody depends on it: the edge looks by itself as well. */
const RETRY_MIN_MS = 1_000
const RETRY_MAX_MS = 30_000
const EVENTS = ['create', 'start', 'die', 'destroy']

/** What happens to containers that have a label, for as long as it is wanted. Begins when it is first asked for. */
export class EventStream {
  readonly #client: DockerClient
  readonly #label: string
  readonly #onEvent: (labels: Readonly<Record<string, string>>) => void
  #isOpen = false
  #isClosed = false
  #retryMs = RETRY_MIN_MS
  #timer: NodeJS.Timeout | undefined

  /** @param label `name=value` */
  constructor(
    client: DockerClient,
    label: string,
    onEvent: (labels: Readonly<Record<string, string>>) => void,
  ) {
    this.#client = client
    this.#label = label
    this.#onEvent = onEvent
  }

  open(): void {
    if (this.#isOpen || this.#isClosed) return
    this.#isOpen = true
    this.#listen().catch(() => {})
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#timer)
  }

  async #listen(): Promise<void> {
    const filters = JSON.stringify({ type: ['container'], label: [this.#label], event: EVENTS })
    try {
      await this.#client.lines({ path: '/events', query: { filters } }, (line) => {
        this.#retryMs = RETRY_MIN_MS
        const labels = labelsIn(line)
        if (labels !== undefined) this.#onEvent(labels)
      })
    } catch {
      // Whoever calls the Engine hears what is wrong with it.
    }
    if (this.#isClosed) return
    this.#timer = setTimeout(() => this.#listen(), this.#retryMs).unref()
    this.#retryMs = Math.min(this.#retryMs * 2, RETRY_MAX_MS)
  }
}

/** One stream for each label, whoever asks for it. */
export class EventStreams {
  readonly #client: DockerClient
  readonly #byLabel = new Map<string, EventStream>()

  constructor(client: DockerClient) {
    this.#client = client
  }

  /** Opened by the first who begins a call. A label that is known keeps its listener. */
  of(label: string, onEvent: (labels: Readonly<Record<string, string>>) => void): EventStream {
    const known = this.#byLabel.get(label)
    if (known !== undefined) return known
    const stream = new EventStream(this.#client, label, onEvent)
    this.#byLabel.set(label, stream)
    return stream
  }

  close(): void {
    for (const stream of this.#byLabel.values()) stream.close()
  }
}

function labelsIn(line: string): Readonly<Record<string, string>> | undefined {
  try {
    return (JSON.parse(line) as { Actor?: { Attributes?: Record<string, string> } }).Actor?.Attributes
  } catch {
    return undefined
  }
}
