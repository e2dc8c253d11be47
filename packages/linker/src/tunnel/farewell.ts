import type { EdgeLinks } from './edge-links.ts'

/** What the sessions are given to take their farewell. */
const GOODBYE_MS = 1_000

/** Ends every session for good: the instance has left. Resolves when the edges know, or have had time enough. */
export async function sayFarewell(links: EdgeLinks, reason: string): Promise<void> {
  const goodbye = links.close('link/left', reason)
  let timeout: NodeJS.Timeout | undefined
  const late = new Promise((resolve) => {
    timeout = setTimeout(resolve, GOODBYE_MS)
  })
  await Promise.race([goodbye, late])
  clearTimeout(timeout)
}
