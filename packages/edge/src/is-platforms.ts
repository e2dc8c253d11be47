import type { Hello } from '@brxy/protocol'
import type { App } from './app.ts'

/**
 * Whether the platform has started a linker, and knows it. Where replicas are counted no launch has a name: one that a linker
 * says comes from an environment that was copied, and it was started by hand.
 */
export function isPlatforms({ launch, platform }: Hello, app: App): boolean {
  return platform !== undefined || (launch !== undefined && !isCounted(app))
}

/** An edge that does not scale is told only how instances leave: of all that are started, replicas are those that park. */
function isCounted(app: App): boolean {
  const { runner, others } = app
  return runner === null ? others.leave === 'park' : runner.launches(app) === 'counted'
}
