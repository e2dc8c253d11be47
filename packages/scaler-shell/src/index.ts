import { resolveConfig } from '@brxy/options'
import { type Scaler, ScalerError, type ScalerFactory } from '@brxy/scaler'
import { ShellApp } from './app.ts'
import { knownRoutes } from './known-routes.ts'
import { Launches, type Registry } from './launches.ts'
import { APP_OPTIONS, SHELL_OPTIONS } from './options.ts'

/** Starts each instance with a command, as a process of this machine or as a call to a scheduler. */
const shell = ((options, host): Scaler => {
  const shellOptions = resolveConfig(SHELL_OPTIONS, options, { path: 'shell' })
  const registry: Registry = { active: new Set(), isClosed: false }
  return {
    app(route, options) {
      if (registry.isClosed) throw new ScalerError('scaler/closed', 'the shell scaler was closed')
      const appOptions = resolveConfig(APP_OPTIONS, options, { path: `apps.${route}.scaler.shell` })
      // A reloaded configuration asks again for a route whose launches run: they are the same launches.
      const running = [...registry.active].find((launches) => launches.route === route)
      return new ShellApp(appOptions, shellOptions, running ?? new Launches(route, host, registry))
    },
    known: () => knownRoutes(host.stateDir, host.owner),
    async close() {
      registry.isClosed = true
      for (const launches of registry.active) launches.close()
    },
  }
}) satisfies ScalerFactory

export default shell

// For `brxy check` and docs.
export { APP_OPTIONS, SHELL_OPTIONS } from './options.ts'
export { type LaunchPlace, launchPlace, lookUpProgram } from './program.ts'
