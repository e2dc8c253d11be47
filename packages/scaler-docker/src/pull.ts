import type { Host, Problem } from '@brxy/scaler'
import { ApiError } from '@brxy/scaler/api'
import type { DockerClient } from './client.ts'
import { problemOfPull } from './problem.ts'

/** Longest time without a line of progress. */
const SILENCE_MS = 120_000

/** Pulls images: each once at a time, however many launches wait for it. */
export class Puller {
  readonly #client: DockerClient
  readonly #host: Host
  readonly #underWay = new Map<string, Promise<Problem | undefined>>()

  constructor(client: DockerClient, host: Host) {
    this.#client = client
    this.#host = host
  }

  /** Resolves when the Engine has the image, or with the reason why it does not get it. @throws ScalerError if nothing is known */
  pull(image: string, headers: Readonly<Record<string, string>>): Promise<Problem | undefined> {
    const key = JSON.stringify([image, headers])
    const underWay = this.#underWay.get(key)
    if (underWay !== undefined) return underWay
    const pull = this.#pull(image, headers).finally(() => this.#underWay.delete(key))
    this.#underWay.set(key, pull)
    return pull
  }

  async #pull(image: string, headers: Readonly<Record<string, string>>): Promise<Problem | undefined> {
    this.#host.log('info', 'image pull started', { image })
    const sinceMs = performance.now()
    // Without a tag or digest the Engine would pull them all.
    const query = { fromImage: hasTag(image) ? image : `${image}:latest` }
    let failure: string | undefined
    try {
      await this.#client.lines(
        { method: 'POST', path: '/images/create', query, headers, silenceMs: SILENCE_MS },
        (line) => {
          failure = errorIn(line) ?? failure
        },
      )
    } catch (error) {
      // The Engine refuses at once what it can't resolve, and says in a 200 what goes wrong later.
      if (!(error instanceof ApiError)) throw error
      failure = error.message
    }
    if (failure !== undefined) return problemOfPull(image, failure)
    this.#host.log('info', 'image pulled', { image, tookMs: Math.round(performance.now() - sinceMs) })
    return undefined
  }
}

/** `host:5000/app` has a port and no tag. */
export function hasTag(image: string): boolean {
  return image.includes('@') || image.slice(image.lastIndexOf('/') + 1).includes(':')
}

function errorIn(line: string): string | undefined {
  try {
    const { error, errorDetail } = JSON.parse(line) as { error?: string; errorDetail?: { message?: string } }
    return errorDetail?.message ?? error
  } catch {
    return undefined
  }
}
