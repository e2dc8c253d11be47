/** What the sessions are given to take their farewell. */
const GOODBYE_MS = 1_000
/** An edge that has not taken the rest by then is as good as dead: a session that hears nothing for so long is over. */
export const MAX_REST_MS = 30_000
/** How often to look: nothing says that the last byte has left, for 'drain' follows only a write that was refused. */
const LOOK_MS = 20

/** The sessions of a linker that leaves. */
export interface Departing {
  /** Nothing that was sent is still in this process. */
  readonly isAllSent: boolean
  /** Dials no more. The sessions stay. */
  retire(): void
  /** Says goodbye. Resolves when the farewells are out, or the connections are gone. */
  close(code: string, message: string): Promise<void>
}

/**
 * Ends every session for good: the instance has left. Resolves when the edges know, or have had time enough; then the
 * process may end.
 *
 * A request is over for its application and its slot as soon as the tunnel has the end of the response. On a slow way to
 * the edge that is long before the response is out: what is in this process would die with it, and the client would have
 * half of it. No edge is told before all have what is theirs, for the one that scales may have the instance removed.
 *
 * @param hurry aborted: the rest is not waited for
 */
export async function sayFarewell(links: Departing, reason: string, hurry: AbortSignal): Promise<void> {
  links.retire()
  for (let waitedMs = 0; !links.isAllSent && !hurry.aborted && waitedMs < MAX_REST_MS; waitedMs += LOOK_MS)
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS))
  const goodbye = links.close('link/left', reason)
  let timeout: NodeJS.Timeout | undefined
  const late = new Promise((resolve) => {
    timeout = setTimeout(resolve, GOODBYE_MS)
  })
  await Promise.race([goodbye, late])
  clearTimeout(timeout)
}
