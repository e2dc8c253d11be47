import type { EdgeOptions } from '../options.ts'
import type { EdgeSettings } from '../settings.ts'

/** Whether this edge starts instances, and not another one. */
export function isScaling({ scaling, reportTo }: EdgeOptions): boolean {
  return scaling && reportTo === undefined
}

/** Each app that is started by something here, with a route that it may have. */
export function* scaledApps({ apps, options: edge }: EdgeSettings) {
  if (!isScaling(edge)) return
  for (const { name, options } of apps.values())
    if (options.scaler !== undefined)
      yield { route: options.perHost ? 'localhost' : name, choice: options.scaler }
}
