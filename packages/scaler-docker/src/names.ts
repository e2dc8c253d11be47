import { createHash } from 'node:crypto'

/** The labels of all that this adapter creates; by the first its objects are found. */
export const OWNER_LABEL = 'brxy.owner'
export const ROUTE_LABEL = 'brxy.route'
export const LAUNCH_LABEL = 'brxy.launch'

/** Swarm's own, on the containers of a service. */
export const SWARM_SERVICE_LABEL = 'com.docker.swarm.service.name'

/** Swarm's bound for the name of a service; that for containers is higher. */
const MAX_NAME = 63
const PREFIX = 'brxy-'

/**
 * The name of a launch's container or service: `brxy-<launch id>`. An id that cannot be part of a name, or is too long for
 * one, is replaced by its hash.
 */
export function objectName(launch: string): string {
  const isLegal = /^[A-Za-z0-9][A-Za-z0-9_-]*$/.test(launch) && launch.length <= MAX_NAME - PREFIX.length
  return `${PREFIX}${isLegal ? launch : createHash('sha256').update(launch).digest('hex').slice(0, 32)}`
}

/** Whose it is. */
export function labelsOf(owner: string, route: string, launch: string): Record<string, string> {
  return { [OWNER_LABEL]: owner, [ROUTE_LABEL]: route, [LAUNCH_LABEL]: launch }
}

/** The Engine's way to ask for objects with labels, all of them: the value of `filters`. */
export function labelFilter(labels: Readonly<Record<string, string>>): string {
  return JSON.stringify({ label: Object.entries(labels).map(([name, value]) => `${name}=${value}`) })
}
