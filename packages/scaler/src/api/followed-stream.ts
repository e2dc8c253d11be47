import { RetryPace } from './retry-pace.ts'

/** Something that is listened to for as long as it is wanted. */
export interface Followed {
  /**
   * Listens once; resolves or rejects when that is over. The next time it may go on where this one stood.
   *
   * @param onHeard something came: what ends from now on is listened to again soon
   */
  follow(onHeard: () => void, signal: AbortSignal): Promise<void>
  /** Listening has failed, for the first time since something was heard. Without it nobody is told: callers of the API hear it. */
  onFailure?(error: unknown): void
}

/** Listens to a stream from when it is opened until it is closed, however often it ends: at the pace of {@link RetryPace}. */
export class FollowedStream {
  readonly #followed: Followed
  readonly #abort = new AbortController()
  readonly #pace = new RetryPace()
  #done: Promise<void> | null = null
  #isFailing = false
  #endPause = () => {}

  /** No I/O. */
  constructor(followed: Followed) {
    this.#followed = followed
  }

  /** Begins to listen; does nothing if it does already, or was closed. */
  open(): void {
    if (!this.#abort.signal.aborted) this.#done ??= this.#run()
  }

  /** Ends it for good. Resolves when nothing of it is under way any more. */
  async close(): Promise<void> {
    this.#abort.abort()
    this.#endPause()
    await this.#done
  }

  async #run(): Promise<void> {
    const { signal } = this.#abort
    for (;;) {
      this.#pace.begun(performance.now())
      try {
        await this.#followed.follow(() => this.#heard(), signal)
      } catch (error) {
        if (!signal.aborted) this.#failed(error)
      }
      if (signal.aborted) return
      await this.#pause(this.#pace.waitMs(performance.now()))
      if (signal.aborted) return
    }
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      // No reason for this process to stay.
      const timer = setTimeout(resolve, ms).unref()
      this.#endPause = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }

  #heard(): void {
    this.#isFailing = false
    this.#pace.succeeded()
  }

  #failed(error: unknown): void {
    if (this.#isFailing) return
    this.#isFailing = true
    this.#followed.onFailure?.(error)
  }
}
