import { setTimeout as sleep } from 'node:timers/promises'
import type { List, Metadata, Status } from '../objects.ts'
import type { ApiClient } from './client.ts'
import { ApiError } from './error.ts'

/** The server ends a watch after this time, and it is begun anew where it stood. */
const WATCH_S = 300
const RETRY_MS = 1_000
const MAX_RETRY_MS = 30_000
/** Only what the objects are called: what has become of them is looked up. */
const METADATA = 'application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1'
const METADATA_LIST = 'application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1'
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
  readonly #abort = new AbortController()
  readonly #client: ApiClient
  readonly #path: string
  readonly #labelSelector: string
  readonly #events: WatchEvents
  readonly #done: Promise<void>

  constructor(client: ApiClient, path: string, labelSelector: string, events: WatchEvents) {
    this.#client = client
    this.#path = path
    this.#labelSelector = labelSelector
    this.#events = events
    this.#done = this.#run()
  }

  async close(): Promise<void> {
    this.#abort.abort()
    await this.#done
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort
    let version: string | null = null
    let failures = 0
    while (!signal.aborted) {
      try {
        version ??= await this.#version()
        version = await this.#follow(version, () => {
          failures = 0
        })
      } catch (error) {
        if (signal.aborted) return
        if (error instanceof ApiError && error.httpStatus === GONE) {
          version = null
          continue
        }
        if (failures === 0) this.#events.onError(error)
        const pauseMs = Math.min(MAX_RETRY_MS, RETRY_MS * 2 ** failures++)
        await sleep(pauseMs, undefined, { signal, ref: false }).catch(() => {})
        // Where it stood is not known for sure any more.
        version = null
      }
    }
  }

  /** Where to begin: now. */
  async #version(): Promise<string> {
    const query = { labelSelector: this.#labelSelector, limit: '1' }
    const request = { query, accept: METADATA_LIST }
    const list = await this.#client.request<List<never>>(this.#path, request, this.#abort.signal)
    this.#events.onGap()
    return list.metadata?.resourceVersion ?? '0'
  }

  /** @returns from where to go on. @throws ApiError with 410 if the server does not know that any more */
  async #follow(from: string, onAlive: () => void): Promise<string> {
    let version = from
    const query = {
      watch: '1',
      labelSelector: this.#labelSelector,
      resourceVersion: from,
      allowWatchBookmarks: 'true',
      timeoutSeconds: `${WATCH_S}`,
    }
    const request = { query, accept: METADATA }
    await this.#client.lines(this.#path, request, this.#abort.signal, (line) => {
      const { type, object } = JSON.parse(line) as WatchEvent
      if (type === 'ERROR') throw new ApiError((object as Status).code ?? 500, object as Status, 'watch')
      onAlive()
      const { metadata } = object as { metadata: Metadata }
      version = metadata.resourceVersion ?? version
      if (type !== 'BOOKMARK') this.#events.onChange(metadata)
    })
    return version
  }
}
