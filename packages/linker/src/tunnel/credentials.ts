/**
 * Which token to dial with: the one that the edge renewed in WELCOME or TOKEN, for the expiry of a configured one
 * bounds the first HELLO only; but a configured one that changed meanwhile (a platform renews its file) is newer.
 */
export class Credentials {
  #configured: string | null = null
  #renewed: string | null
  #isGiven: boolean

  /** @param renewed by another edge, which signs with the same secret; null: by none */
  constructor(renewed: string | null = null) {
    this.#renewed = renewed
    this.#isGiven = renewed !== null
  }

  /** Whether there is anything to dial with if nothing configured can be read. */
  get isRenewed(): boolean {
    return this.#renewed !== null
  }

  /** The token for the next dial; '' for none. @param configured read anew; null if it cannot be read. */
  next(configured: string | null): string {
    if (configured !== null && configured !== this.#configured) {
      // Read for the first time it is no newer than what another edge has renewed.
      if (!this.#isGiven) this.#renewed = null
      this.#isGiven = false
      this.#configured = configured
    }
    return this.#renewed ?? this.#configured ?? ''
  }

  renew(token: string): void {
    this.#renewed = token
  }

  /** The token was refused. @returns whether there is another one to try. */
  refused(): boolean {
    const wasRenewed = this.#renewed !== null
    this.#renewed = null
    return wasRenewed
  }
}
