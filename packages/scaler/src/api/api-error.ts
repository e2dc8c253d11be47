/** An answer that was no success: the platform's own words, in which an operator can search. */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  /** 400 to 599. */
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}
