import { ApiError, FollowedStream, isStatus } from '@brxy/scaler/api'
import type { List, Metadata, Status } from '../objects.ts'
import type { KubeClient } from './client.ts'

/** The server ends a watch after this time, and it is begun anew where it stood. */
const WATCH_S = 300
/** Only what the objects are called: what has become of them is looked up. A server that can't do that sends them whole. */
const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1, application/json'
const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1, application/json'
/** The server no longer knows the version from which a watch was to go on. */
const GONE = 410

interface WatchEvent {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR'
  readonly object: { readonly metadata: Metadata } | Status
}

/** What a watch says. */
export interface WatchEvents {
  /** An object was added, changed or removed. */
  onChange(metadata: Metadata): void
  /** Changes may have been missed: any object may be another. */
  onGap(): void
  /** It failed, and goes on later. */
  onError(error: unknown): void
}

/** Follows the objects of a collection until it is closed. */
export class Watch {
  readonly #client: KubeClient
  readonly #path: string
  readonly #labelSelector: string
  readonly #events: WatchEvents
  readonly #stream: FollowedStream
  /** From where to go on; null: from now, with a gap. */
  #version: string | null = null

  constructor(client: KubeClient, path: string, labelSelector: string, events: WatchEvents) {
    this.#client = client
    this.#path = path
    this.#labelSelector = labelSelector
    this.#events = events
    this.#stream = new FollowedStream({
      follow: (onHeard, signal) => this.#follow(onHeard, signal),
      onFailure: (error) => events.onError(error),
    })
    this.#stream.open()
  }

  close(): Promise<void> {
    return this.#stream.close()
  }

  /** Lists if it does not know where it stands, and listens until the server has enough. */
  async #follow(onHeard: () => void, signal: AbortSignal): Promise<void> {
    try {
      this.#version ??= await this.#now(signal)
      await this.#listen(this.#version, onHeard, signal)
    } catch (error) {
      // The API does not go on from there. (A connection that broke off has passed on all that came before.)
      if (error instanceof ApiError) this.#version = null
      // That too much has happened meanwhile is no failure.
      if (!isStatus(error, GONE)) throw error
    }
  }

  /** Where to begin: now. */
  async #now(signal: AbortSignal): Promise<string> {
    const query = { labelSelector: this.#labelSelector, limit: '1' }
    const request = { query, headers: { accept: METADATA_LIST } }
    const list = await this.#client.request<List<never>>(this.#path, request, signal)
    this.#events.onGap()
    return list.metadata?.resourceVersion ?? '0'
  }

  /** @throws ApiError with 410 if the server does not know the version any more */
  async #listen(from: string, onHeard: () => void, signal: AbortSignal): Promise<void> {
    const query = {
      watch: '1',
      labelSelector: this.#labelSelector,
      resourceVersion: from,
      allowWatchBookmarks: 'true',
      timeoutSeconds: `${WATCH_S}`,
    }
    await this.#client.lines(this.#path, { query, headers: { accept: METADATA } }, signal, (line) => {
      const { type, object } = JSON.parse(line) as WatchEvent
      if (type === 'ERROR') throw errorIn(object as Status)
      onHeard()
      const { metadata } = object as { metadata: Metadata }
      this.#version = metadata.resourceVersion ?? this.#version
      if (type !== 'BOOKMARK') this.#events.onChange(metadata)
    })
  }
}

/** In the middle of a watch the API says in an event what it would else say in an answer. */
function errorIn(status: Status): ApiError {
  const { code = 500, reason = 'without a reason', message = reason } = status
  return new ApiError(code, message, { what: 'watch', body: status })
}
