import { resolveConfig } from '@brxy/options'
import { type Scaler, ScalerError, type ScalerFactory } from '@brxy/scaler'
import { ShellApp } from './app.ts'
import { Commands } from './commands.ts'
import { knownRoutes } from './known-routes.ts'
import { Launches, type Registry } from './launches.ts'
import { appOptionsOf, SHELL_OPTIONS } from './options.ts'
import { WholeApp } from './whole-app.ts'

/** Starts each instance with a command, as a process of this machine or as a call to a scheduler. */
const shell = ((options, host): Scaler => {
  const shellOptions = resolveConfig(SHELL_OPTIONS, options, { path: 'shell' })
  const registry: Registry = { active: new Set(), isClosed: false }
  return {
    app(route, options) {
      if (registry.isClosed) throw new ScalerError('scaler/closed', 'the shell scaler was closed')
      const appOptions = appOptionsOf(route, options)
      const commands = new Commands(route, appOptions, shellOptions, host, registry)
      if (appOptions.per === 'app') return new WholeApp(appOptions, commands, registry)
      return new ShellApp(appOptions, commands, launchesOf(route, host, registry))
    },
    known: () => knownRoutes(host.stateDir, host.owner),
    async close() {
      registry.isClosed = true
      for (const each of registry.active) each.close()
    },
  }
}) satisfies ScalerFactory

/** A reloaded configuration asks again for a route whose launches run: they are the same launches. */
function launchesOf(route: string, host: Parameters<ScalerFactory>[1], registry: Registry): Launches {
  for (const each of registry.active) if (each instanceof Launches && each.route === route) return each
  return new Launches(route, host, registry)
}

export default shell

// For `brxy check` and docs.
export { APP_OPTIONS, SHELL_OPTIONS } from './options.ts'
export { type LaunchPlace, launchPlace, lookUpProgram } from './program.ts'
