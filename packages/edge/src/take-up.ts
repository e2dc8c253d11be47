import type { Apps } from './apps.ts'
import type { EdgeEvent } from './event.ts'
import type { Scalers } from './scale/scalers.ts'

interface Parts {
  readonly apps: Apps
  readonly scalers: Scalers
  readonly shared: { readonly isDraining: boolean }
}

/** Takes up instances of an earlier run whose apps nobody could list. Meanwhile everything else goes on. */
export async function takeUp(
  { apps, scalers, shared }: Parts,
  emit: (event: EdgeEvent) => void,
): Promise<void> {
  for (const [scaler, routes] of await scalers.known()) {
    const left = shared.isDraining ? 0 : apps.takeUp(routes, scaler)
    if (left === 0) continue
    const message =
      'instances are left of more hosts than maxRoutes (--max-apps); they are found when those are asked for'
    emit({ type: 'scaler', level: 'warn', message, fields: { scaler, hosts: left } })
  }
}
