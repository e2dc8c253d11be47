import { BrxyError } from '@brxy/protocol'
import type { Problem } from '@brxy/scaler'
import type { LinkerIdentity } from '../scale/identity.ts'

/** Where an edge reports to the one that scales: the path at its tunnel port. */
export const DEMAND_PATH = '/brxy/v1/demand'
/** Longest report. A longer one is refused (413); whoever has more to say says it in several. */
export const MAX_REPORT_BYTES = 1024 * 1024
/** So that a report stays below MAX_REPORT_BYTES whatever its names. */
export const MAX_REPORTED_APPS = 500
export const MAX_REPORTED_INSTANCES = 1_000

const CLASSES: readonly Problem['code'][] = [
  'image',
  'quota',
  'unschedulable',
  'denied',
  'invalid',
  'crashed',
  'unavailable',
]

/** What an edge without a scaler tells the one that has it. Apps that are not named have not changed. */
export interface DemandReport {
  /** The id of the edge that reports, as its WELCOME says it. */
  readonly edge: string
  readonly apps: readonly AppReport[]
}

export interface AppReport {
  readonly route: string
  /** Requests held, without passive ones. */
  readonly held: number
  /** How long the oldest of them has waited; 0 while none is held. */
  readonly oldestHeldMs: number
  /** Those with a session at the edge that reports. */
  readonly instances: readonly InstanceReport[]
}

/** It names itself as in its HELLO: which launch it stands for only the edge that scales can tell, where replicas are counted. */
export interface InstanceReport extends LinkerIdentity {
  /** `going`: it asked to leave, drains, or has failed. */
  readonly phase: 'starting' | 'ready' | 'parked' | 'going'
  readonly slots: number
  /** Requests that the reporting edge has given it and that run. */
  readonly busy: number
  /** It has completed a response for that edge. */
  readonly served: boolean
}

/** What the edge that scales answers. */
export interface DemandAnswer {
  readonly edge: string
  /** The apps of the report that it serves. */
  readonly apps: readonly AppAnswer[]
}

export interface AppAnswer {
  readonly route: string
  /** What WELCOME is to say of leaving. */
  readonly leave: 'exit' | 'park'
  /** Nothing runs or starts, and the last start failed: what is held can be answered with that. */
  readonly problem?: AppProblem
}

export interface AppProblem {
  /** The class of the problem, as clients may see it. */
  readonly code: Problem['code']
  readonly retryMs: number
}

/** @throws BrxyError `edge/bad-report` naming the key */
export function parseReport(text: string): DemandReport {
  const report = object(parseJson(text), 'the report')
  return {
    edge: string(report.edge, 'edge', 128),
    apps: list(report.apps, 'apps', MAX_REPORTED_APPS).map((item, at) => parseApp(item, `apps[${at}]`)),
  }
}

function parseApp(item: unknown, at: string): AppReport {
  const app = object(item, at)
  return {
    route: string(app.route, `${at}.route`, 255),
    held: count(app.held, `${at}.held`),
    oldestHeldMs: count(app.oldestHeldMs, `${at}.oldestHeldMs`),
    instances: list(app.instances, `${at}.instances`, MAX_REPORTED_INSTANCES).map((each, index) =>
      parseInstance(each, `${at}.instances[${index}]`),
    ),
  }
}

function parseInstance(item: unknown, at: string): InstanceReport {
  const { instance, launch, platform, phase, slots, busy, served } = object(item, at)
  if (phase !== 'starting' && phase !== 'ready' && phase !== 'parked' && phase !== 'going')
    throw bad(`${at}.phase`, '"starting", "ready", "parked" or "going"')
  return {
    instance: string(instance, `${at}.instance`, 128),
    ...(launch === undefined ? {} : { launch: string(launch, `${at}.launch`, 128) }),
    ...(platform === undefined ? {} : { platform: string(platform, `${at}.platform`, 255) }),
    phase,
    slots: count(slots, `${at}.slots`, 65_535),
    busy: count(busy, `${at}.busy`),
    served: boolean(served, `${at}.served`),
  }
}

/** @throws BrxyError `edge/bad-report` */
export function parseAnswer(text: string): DemandAnswer {
  const answer = object(parseJson(text), 'the answer')
  return {
    edge: string(answer.edge, 'edge', 128),
    apps: list(answer.apps, 'apps', MAX_REPORTED_APPS).map((item, at) => {
      const { route, leave, problem } = object(item, `apps[${at}]`)
      if (leave !== 'exit' && leave !== 'park') throw bad(`apps[${at}].leave`, '"exit" or "park"')
      return {
        route: string(route, `apps[${at}].route`, 255),
        leave,
        ...(problem === undefined ? {} : { problem: parseProblem(problem, `apps[${at}].problem`) }),
      }
    }),
  }
}

function parseProblem(item: unknown, at: string): AppProblem {
  const { code, retryMs } = object(item, at)
  // A class that a later version has is none that clients of this one could be told of.
  return {
    code: CLASSES.find((known) => known === code) ?? 'other',
    retryMs: count(retryMs, `${at}.retryMs`),
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new BrxyError('edge/bad-report', 'it is not JSON', { cause })
  }
}

function object(value: unknown, at: string): Record<string, unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw bad(at, 'an object')
  return value as Record<string, unknown>
}

function list(value: unknown, at: string, max: number): unknown[] {
  if (!Array.isArray(value) || value.length > max) throw bad(at, `a list of at most ${max}`)
  return value
}

function string(value: unknown, at: string, max: number): string {
  if (typeof value !== 'string' || value === '' || value.length > max)
    throw bad(at, `a text of 1 to ${max} characters`)
  return value
}

function count(value: unknown, at: string, max = Number.MAX_SAFE_INTEGER): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0 || value > max)
    throw bad(at, `an integer, 0 to ${max}`)
  return value
}

function boolean(value: unknown, at: string): boolean {
  if (typeof value !== 'boolean') throw bad(at, 'true or false')
  return value
}

function bad(at: string, expected: string): BrxyError {
  return new BrxyError('edge/bad-report', `${at} must be ${expected}`)
}
