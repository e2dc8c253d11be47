import { setTimeout as delay } from 'node:timers/promises'
import type { App } from './app.ts'

/** How often a drained instance is looked at. */
const LOOK_MS = 20
/** What linkers need to stop their applications, beyond draining: SIGTERM, SIGKILL after 10 s, and some. */
export const STOP_GRACE_MS = 15_000

/**
 * An app is no more: its instances take no new requests, finish theirs within `drainMs`, say goodbye and are removed
 * from the platform. What the app held is its heir's by now (App.bequeath).
 */
export async function retire(app: App, drainMs: number): Promise<void> {
  const instances = [...app.instances.values()]
  for (const { session } of instances) session.drain()
  for (let leftMs = drainMs; leftMs > 0 && instances.some(({ busy }) => busy > 0); leftMs -= LOOK_MS)
    await delay(LOOK_MS)
  for (const { session } of instances) {
    if (session.isClosed) continue
    session.goaway('edge/app-removed', `${app.route} was removed from the configuration`, false)
  }
  await app.runner?.remove(app, drainMs + STOP_GRACE_MS)
  app.runner?.detach(app)
}
