import { OptionsError, resolveConfig } from '@brxy/options'
import { type AppScaler, LaunchMemories, type Scaler, ScalerError, type ScalerFactory } from '@brxy/scaler'
import { ApiError, type FollowedStream } from '@brxy/scaler/api'
import { CountApp } from './count-app.ts'
import { DispatchApp } from './dispatch-app.ts'
import { endpointOf, scopeOf } from './endpoint.ts'
import { eventStream } from './events.ts'
import { NomadApi } from './nomad-api.ts'
import { APP_OPTIONS, NOMAD_OPTIONS } from './options.ts'
import { errorOfRefusal } from './problem.ts'

/** Starts each instance by dispatching a Nomad job, or sets the count of a group. */
const nomad = ((options, host): Scaler => {
  const nomadOptions = resolveConfig(NOMAD_OPTIONS, options, { path: 'nomad' })
  const api = new NomadApi(endpointOf(nomadOptions, process.env), scopeOf(nomadOptions, process.env))
  /** Which routes a job belongs to, so that they hear of its changes. */
  const routes = new Map<string, Set<string>>()
  const launches = new LaunchMemories(host)
  const events = eventStream(api, (job) => {
    const parent = job.replace(/\/dispatch-.*$/, '')
    for (const route of routes.get(parent) ?? []) host.changed(route)
  })
  let isClosed = false
  return {
    app(route, options): AppScaler {
      if (isClosed) throw new ScalerError('scaler/closed', 'the nomad scaler was closed')
      const path = `apps.${route}.scaler.nomad`
      const { job, mode, group } = resolveConfig(APP_OPTIONS, options, { path })
      if (mode === 'dispatch' && group !== undefined) {
        const detail = 'belongs to `mode: count`; a dispatched job starts all of its groups'
        throw new OptionsError('options/invalid', `${path}.group`, detail, { keys: ['group'] })
      }
      const ofJob = routes.get(job) ?? new Set()
      routes.set(job, ofJob.add(route))
      if (mode === 'count') return listening(new CountApp(api, job, group, host), events)
      return listening(new DispatchApp(api, job, route, host, launches.of(route)), events)
    },
    async close() {
      isClosed = true
      api.close()
      await events.close()
    },
  }
}) satisfies ScalerFactory

export default nomad

// For docs.
export { APP_OPTIONS, NOMAD_OPTIONS } from './options.ts'

/** The first call begins to listen: making an app does no I/O. What Nomad refuses as a whole leaves with a code. */
function listening(app: AppScaler, events: FollowedStream): AppScaler {
  const rethrow = (error: unknown) => {
    throw error instanceof ApiError ? errorOfRefusal(error) : error
  }
  return {
    launches: app.launches,
    leave: app.leave,
    scale(target, signal) {
      events.open()
      return app.scale(target, signal).catch(rethrow)
    },
    observe(signal) {
      events.open()
      return app.observe(signal).catch(rethrow)
    },
  }
}
