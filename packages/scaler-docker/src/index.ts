import { resolveConfig } from '@brxy/options'
import { type AppScaler, LaunchMemories, type Scaler, ScalerError, type ScalerFactory } from '@brxy/scaler'
import { scalerErrorOf } from '@brxy/scaler/api'
import { addressOf } from './address.ts'
import { type App, beginner, type Lifetime } from './app.ts'
import { DockerClient } from './client.ts'
import { ContainerApp } from './container-app.ts'
import { containerBody } from './container-body.ts'
import { EventStreams } from './events.ts'
import { warnOfGrace } from './grace.ts'
import { OWNER_LABEL, ROUTE_LABEL, SWARM_SERVICE_LABEL } from './names.ts'
import { APP_OPTIONS, type AppOptions, DOCKER_OPTIONS } from './options.ts'
import { Puller } from './pull.ts'
import { ServiceApp } from './service-app.ts'
import { serviceBody } from './service-body.ts'
import { Place } from './shape.ts'
import { TaskApp } from './task-app.ts'

/** Starts instances as containers of a Docker Engine, as Swarm services of one task, or as replicas of a Swarm service. */
const docker = ((options, host): Scaler => {
  const own = resolveConfig(DOCKER_OPTIONS, options, { path: 'docker', env: process.env })
  const client = new DockerClient(addressOf(own, process.env))
  const puller = new Puller(client, host)
  const events = new EventStreams(client)
  const changed = (labels: Readonly<Record<string, string>>) => {
    const route = labels[ROUTE_LABEL]
    if (route !== undefined) host.changed(route)
  }
  const launches = new LaunchMemories(host)
  const lifetime: Lifetime = { isClosed: false }
  return {
    app(route, options) {
      if (lifetime.isClosed) throw new ScalerError('scaler/closed', 'the docker scaler was closed')
      const path = `apps.${route}.scaler.docker`
      const given = resolveConfig(APP_OPTIONS, options, { path, env: process.env })
      // The containers of a service have Swarm's labels, and none of ours.
      const stream =
        given.service === undefined
          ? events.of(`${OWNER_LABEL}=${host.owner}`, changed)
          : events.of(`${SWARM_SERVICE_LABEL}=${given.service}`, () => host.changed(route))
      const begin = beginner(lifetime, stream)
      const app: App = { route, host, client, puller, launches: launches.of(route), begin }
      return coded(appScaler(app, given, new Place(path)))
    },
    async close() {
      lifetime.isClosed = true
      client.close()
      await events.close()
    },
  }
}) satisfies ScalerFactory

export default docker

// For docs.
export { APP_OPTIONS, DOCKER_OPTIONS } from './options.ts'

function appScaler(app: App, options: AppOptions, place: Place): AppScaler {
  const { container, task, service } = options
  const isGiven = { container: hasFields(container), task: hasFields(task), service: service !== undefined }
  const modes = Object.entries(isGiven)
    .filter(([, given]) => given)
    .map(([mode]) => mode)
  if (modes.length > 1) throw place.error(`give one of ${modes.join(' and ')}, not both`)
  if (isGiven.container) {
    const body = containerBody(container, place.below('container'))
    warnOfGrace(app.host, app.route, body.graceS)
    return new ContainerApp(app, body, options)
  }
  if (isGiven.task) {
    const body = serviceBody(task, place.below('task'))
    warnOfGrace(app.host, app.route, body.graceS)
    return new TaskApp(app, body, options)
  }
  if (service !== undefined) return new ServiceApp(app, service, options)
  throw place.error('give one of container, task and service')
}

/** What the Engine refuses as a whole (a proxy in front of its socket does, with 403) leaves with a code. */
function coded(app: AppScaler): AppScaler {
  const rethrow = (error: unknown) => {
    throw scalerErrorOf(error, 'Docker')
  }
  return {
    launches: app.launches,
    leave: app.leave,
    scale: (target, signal) => app.scale(target, signal).catch(rethrow),
    observe: (signal) => app.observe(signal).catch(rethrow),
  }
}

function hasFields(body: Readonly<Record<string, unknown>> | undefined): boolean {
  return body !== undefined && Object.keys(body).length > 0
}
