import type { App } from '../app.ts'
import type { ReportingStatus } from '../demand/demand-reporter.ts'

/** What `/v1/status` answers. Times are milliseconds, ages at the time of asking. */
export interface Status {
  readonly version: string
  readonly edge: string
  /** What whoever runs the edge says of its configuration; null if nothing. */
  readonly config: unknown
  readonly draining: boolean
  readonly connections: number
  /** Whether another edge hears what is held here; null: this one scales by itself. */
  readonly reporting: ReportingStatus | null
  readonly apps: readonly AppStatus[]
}

export interface AppStatus {
  readonly app: string
  readonly held: { readonly count: number; readonly bytes: number; readonly oldestMs: number }
  readonly instances: readonly InstanceStatus[]
  readonly launches: readonly LaunchStatus[]
  /** Why the last start failed, and when the next one may be tried; null if all is well. */
  readonly failure: FailureStatus | null
}

export interface FailureStatus {
  readonly code: string
  readonly message: string
  readonly retryMs: number
}

/** One connected instance. */
export interface InstanceStatus {
  readonly instance: string
  readonly launch: string | null
  /** The platform's name for it, if it said so. */
  readonly platform: string | null
  readonly phase: string
  readonly slots: number
  readonly busy: number
  readonly grants: number
  readonly suspect: boolean
  readonly connectedMs: number
}

/** One launch that has not connected, or whose session was lost. */
export interface LaunchStatus {
  readonly launch: string
  readonly copy: number
  readonly phase: string
  readonly sinceMs: number
  readonly problem: string | null
}

/** A configured app that nobody has asked for yet. */
export function asleepStatus(app: string): AppStatus {
  return { app, held: { count: 0, bytes: 0, oldestMs: 0 }, instances: [], launches: [], failure: null }
}

export function appStatus(app: App, nowMs: number): AppStatus {
  const { queue } = app.broker
  const connected = new Set<string>()
  const instances = [...app.instances.values()].map((instance) => {
    connected.add(instance.key)
    return {
      instance: instance.label,
      launch: instance.hello?.launch ?? null,
      platform: instance.hello?.platform ?? null,
      phase: instance.phase,
      slots: instance.slots,
      busy: instance.busy,
      grants: instance.grants,
      suspect: instance.isSuspect,
      connectedMs: Math.round(nowMs - instance.connectedMs),
    }
  })
  const launches = [...app.controller.members]
    .filter((member) => !connected.has(member.key) && member.phase !== 'gone')
    .map((member) => ({
      launch: member.key,
      copy: member.copy,
      phase: member.phase,
      sinceMs: Math.round(nowMs - member.sinceMs),
      problem: member.problem?.message ?? null,
    }))
  return {
    app: app.route,
    held: {
      count: queue.count,
      bytes: queue.bytes,
      oldestMs: queue.oldest === null ? 0 : Math.round(nowMs - queue.oldest.heldSinceMs),
    },
    instances,
    launches,
    failure: app.controller.failure(nowMs),
  }
}
