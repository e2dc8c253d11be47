import { FollowedStream } from '@brxy/scaler/api'
import type { DockerClient } from './client.ts'

const EVENTS = ['create', 'start', 'die', 'destroy']

/** What an event says of its object. */
export type OnEvent = (labels: Readonly<Record<string, string>>) => void

/** What happens to containers that have a label: one stream for each label, whoever asks for it. */
export class EventStreams {
  readonly #client: DockerClient
  readonly #byLabel = new Map<string, FollowedStream>()

  constructor(client: DockerClient) {
    this.#client = client
  }

  /**
   * Opened by the first who begins a call. A label that is known keeps its listener.
   *
   * @param label `name=value`
   */
  of(label: string, onEvent: OnEvent): FollowedStream {
    const known = this.#byLabel.get(label)
    if (known !== undefined) return known
    const stream = streamOf(this.#client, label, onEvent)
    this.#byLabel.set(label, stream)
    return stream
  }

  async close(): Promise<void> {
    await Promise.all([...this.#byLabel.values()].map((stream) => stream.close()))
  }
}

// Nobody depends on it: the edge looks by itself as well. And whoever calls the Engine hears what is wrong with it.
function streamOf(client: DockerClient, label: string, onEvent: OnEvent): FollowedStream {
  const filters = JSON.stringify({ type: ['container'], label: [label], event: EVENTS })
  return new FollowedStream({
    follow: (onHeard, signal) =>
      client.lines({ path: '/events', query: { filters }, signal }, (line) => {
        onHeard()
        const labels = labelsIn(line)
        if (labels !== undefined) onEvent(labels)
      }),
  })
}

function labelsIn(line: string): Readonly<Record<string, string>> | undefined {
  try {
    return (JSON.parse(line) as { Actor?: { Attributes?: Record<string, string> } }).Actor?.Attributes
  } catch {
    return undefined
  }
}
