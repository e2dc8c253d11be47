import { createHash } from 'node:crypto'

/** Marks everything that is created: who for, as a label (a hash), so that it can be selected. */
export const OWNER_LABEL = 'brxy/owner'
/** The route, as a label: itself where it is a legal value, else a part of it and a hash. */
export const ROUTE_LABEL = 'brxy/route'
/** The launch id, as a label. */
export const LAUNCH_LABEL = 'brxy/launch'
/** The route as it is, as an annotation. */
export const ROUTE_ANNOTATION = 'brxy/route'
/** The launch id as it is, as an annotation. */
export const LAUNCH_ANNOTATION = 'brxy/launch'

/** Longest label value (and longest name of an object whose name becomes a host name, as a pod's does). */
const MAX_LENGTH = 63
/** Hexadecimal digits of a hash: 80 bits. */
const HASH_DIGITS = 20
// Without `_`, which then tells a hashed value from a legal one: no route can be made to look like another's hash.
const PLAIN_LABEL = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/
const PLAIN_NAME = /^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/

const PREFIX = 'brxy-'

/** The value of {@link OWNER_LABEL}. */
export function ownerLabel(owner: string): string {
  return hash(owner)
}

/** The value of {@link ROUTE_LABEL}, or of {@link LAUNCH_LABEL}: distinct for distinct texts. */
export function labelOf(text: string): string {
  if (text.length <= MAX_LENGTH && PLAIN_LABEL.test(text)) return text
  const readable = trimmed(text.toLowerCase().replace(/[^a-z0-9.-]+/g, '-'), MAX_LENGTH - HASH_DIGITS - 1)
  return `${readable === '' ? 'x' : readable}_${hash(text)}`
}

/** The name of a launch's object: `brxy-LAUNCH`, where that is legal. */
export function nameOf(launch: string): string {
  const fits = PREFIX.length + launch.length <= MAX_LENGTH
  return fits && PLAIN_NAME.test(launch) ? `${PREFIX}${launch}` : `${PREFIX}${hash(launch)}`
}

/** Whether a namespace, or the name of a workload, can be one (RFC 1123 label; a workload's may have dots). */
export function isObjectName(name: string): boolean {
  return name.length <= 253 && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name)
}

/** Labels as a query selects by them. */
export function selectorOf(labels: Readonly<Record<string, string>>): string {
  return Object.entries(labels)
    .map(([label, value]) => `${label}=${value}`)
    .join(',')
}

function trimmed(text: string, length: number): string {
  return text
    .slice(0, length)
    .replace(/^[^a-z0-9]+/, '')
    .replace(/[^a-z0-9]+$/, '')
}

function hash(text: string): string {
  return createHash('sha256').update(text).digest('hex').slice(0, HASH_DIGITS)
}
