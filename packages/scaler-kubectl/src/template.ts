import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { OptionsError } from '@brxy/options'
import { LEAST_STOP_GRACE_S } from '@brxy/scaler'
import { loadAll, YAML11_SCHEMA } from 'js-yaml'
import type { PodSpec, PodTemplate } from './objects.ts'

/** A template, read and checked: what is made for a launch is a copy of it with the launch's name and environment. */
export type Template =
  | { readonly kind: 'Job'; readonly object: JobTemplate; readonly container: number }
  | { readonly kind: 'Pod'; readonly object: PodTemplate; readonly container: number }

export interface JobTemplate {
  readonly metadata?: PodTemplate['metadata']
  readonly spec: { readonly template: PodTemplate; readonly [field: string]: unknown }
}

/** Where a template was given. */
interface Place {
  /** For errors: the option's path, and the file's name if it is one. */
  readonly path: string
  /** The container that the linker runs in. */
  readonly container: string | undefined
  /** Where the objects will be. */
  readonly namespace: string | undefined
}

/**
 * Reads a template.
 *
 * @param given YAML (it has several lines or is a flow mapping), or the path of a file with it
 * @param directory to which such a path is relative
 * @throws OptionsError that names what is wrong in it
 */
export function readTemplate(given: string, directory: string, place: Place): Template {
  if (given.includes('\n') || given.trimStart().startsWith('{')) return parseTemplate(given, place)
  const file = resolve(directory, given)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    const reason =
      (cause as NodeJS.ErrnoException).code === 'ENOENT' ? 'there is no such file' : String(cause)
    throw invalid(place.path, `cannot read the template "${file}": ${reason}`, cause)
  }
  return parseTemplate(text, { ...place, path: `${place.path} (${file})` })
}

/** @throws OptionsError that names what is wrong in it */
export function parseTemplate(text: string, place: Place): Template {
  const object = theOnly(text, place.path)
  const kind = object.kind
  if (kind !== 'Job' && kind !== 'Pod')
    throw invalid(place.path, `"kind" is ${JSON.stringify(kind)}; a template is a Job or a Pod`)
  const version = kind === 'Job' ? 'batch/v1' : 'v1'
  if (object.apiVersion !== version)
    throw invalid(
      place.path,
      `"apiVersion" of a ${kind} is ${version}, not ${JSON.stringify(object.apiVersion)}`,
    )
  checkNamespace(object.metadata, place)
  const spec = mappingAt(object.spec, place.path, 'spec')
  if (kind === 'Pod') {
    const container = checkPod(spec, place, 'spec')
    return { kind, object: object as unknown as PodTemplate, container }
  }
  checkJob(spec, place.path)
  const template = mappingAt(spec.template, place.path, 'spec.template')
  const container = checkPod(
    mappingAt(template.spec, place.path, 'spec.template.spec'),
    place,
    'spec.template.spec',
  )
  return { kind, object: object as unknown as JobTemplate, container }
}

/** The index of the container that the linker runs in. @throws OptionsError */
export function containerIndex(spec: Pick<PodSpec, 'containers'>, { path, container }: Place): number {
  if (container === undefined) return 0
  const index = spec.containers.findIndex(({ name }) => name === container)
  if (index >= 0) return index
  const names = spec.containers.map(({ name }) => `"${name}"`).join(', ')
  throw invalid(path, `it has no container "${container}", only ${names}`)
}

// What would start an instance twice, or keep an ended one, is refused and not overwritten in silence.

const ONE_RUN = { backoffLimit: 0, parallelism: 1, completions: 1 } as const

function checkJob(spec: Fields, path: string): void {
  for (const [field, needed] of Object.entries(ONE_RUN)) {
    const value = spec[field]
    if (value !== undefined && value !== needed)
      throw invalid(path, `spec.${field} is ${JSON.stringify(value)}; leave it out: one launch runs once`)
  }
}

function checkPod(spec: Fields, place: Place, at: string): number {
  const { restartPolicy, terminationGracePeriodSeconds: grace, containers } = spec
  if (restartPolicy !== undefined && restartPolicy !== 'Never')
    throw invalid(
      place.path,
      `${at}.restartPolicy is ${JSON.stringify(restartPolicy)}; leave it out, or say Never: one launch runs once`,
    )
  if (grace !== undefined && !(typeof grace === 'number' && grace >= LEAST_STOP_GRACE_S))
    throw invalid(
      place.path,
      `${at}.terminationGracePeriodSeconds is ${JSON.stringify(grace)}; leave it out, or say at least ${LEAST_STOP_GRACE_S}: a linker needs that to drain`,
    )
  if (!Array.isArray(containers) || containers.length === 0)
    throw invalid(place.path, `${at}.containers is missing; it lists at least one container`)
  return containerIndex(spec as unknown as PodSpec, place)
}

function checkNamespace(metadata: unknown, { path, namespace }: Place): void {
  const own = (metadata as { namespace?: unknown } | undefined)?.namespace
  if (own === undefined || own === namespace) return
  throw invalid(
    path,
    `metadata.namespace is ${JSON.stringify(own)}; say that with the option "namespace" of the scaler instead`,
  )
}

type Fields = Readonly<Record<string, unknown>>

function theOnly(text: string, path: string): Fields {
  let documents: unknown[]
  try {
    // As kubectl reads it, which is YAML 1.1: `0400` is octal there, and decimal in YAML 1.2.
    documents = loadAll(text, { schema: YAML11_SCHEMA }).filter((each) => each !== null && each !== undefined)
  } catch (cause) {
    throw invalid(path, `is no YAML: ${(cause as Error).message}`, cause)
  }
  if (documents.length !== 1)
    throw invalid(path, `has ${documents.length} documents; a template is one Job or Pod`)
  return mappingAt(documents[0], path, 'it')
}

function mappingAt(value: unknown, path: string, at: string): Fields {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields
  throw invalid(path, `${at} is ${value === undefined ? 'missing' : 'no mapping'}`)
}

function invalid(path: string, detail: string, cause?: unknown): OptionsError {
  return new OptionsError('options/invalid', path, detail, cause === undefined ? {} : { cause })
}
