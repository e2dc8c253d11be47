/**
 * Which token to dial with: the one that the edge renewed in WELCOME or TOKEN, for the expiry of a configured one
 * bounds the first HELLO only; but a configured one that changed meanwhile (a platform renews its file) is newer.
 */
export class Credentials {
  #configured: string | null = null
  #renewed: string | null = null

  /** Whether there is anything to dial with if nothing configured can be read. */
  get isRenewed(): boolean {
    return this.#renewed !== null
  }

  /** The token for the next dial; '' for none. @param configured read anew; null if it cannot be read. */
  next(configured: string | null): string {
    if (configured !== null && configured !== this.#configured) {
      this.#configured = configured
      this.#renewed = null
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
