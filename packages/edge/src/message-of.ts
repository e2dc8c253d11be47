/** What there is to read of something that was thrown: by an adapter or a host application, so of any kind. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
