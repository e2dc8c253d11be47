import type { AppScaler, Host, Problem, Scaler } from '../contract.ts'
import type { Times } from './times.ts'

/**
 * What the kit needs to know about a platform, and to be able to do there, to test an adapter for it. What is marked with
 * `?` may be absent: the cases that need it are then reported as skipped, with the reason.
 *
 * Instances of a driver run until they are told to end, and end promptly at SIGTERM. They need no linker: {@link leave}
 * and {@link kill} play its part. Routes are new for each case, so drivers may key whatever they keep by them.
 */
export interface Driver {
  /** In the names of the tests: `docker container`. */
  readonly name: string
  /** As the adapter's {@link AppScaler.launches}. */
  readonly launches: AppScaler['launches']
  /** As the adapter's {@link AppScaler.leave}. */
  readonly leaves: AppScaler['leave']
  /**
   * Which instance goes. exact: the one in `remove`. ordered: that one too, but only when none with a higher `order` is
   * left (StatefulSet). any: the platform chooses another one if it likes, which drains: then {@link graceMs} is required.
   */
  readonly removal: 'exact' | 'ordered' | 'any'
  /** Options that `Scaler.app` refuses, at least one. */
  readonly badOptions: readonly BadOptions[]
  /** Bounds, for platforms that are slower than the kit expects. */
  readonly times?: Partial<Times>

  /** A new adapter on this platform. `host.owner` is new for each case, `host.stateDir` does not exist. */
  make(host: Host): Scaler | Promise<Scaler>
  /**
   * What an app with this route is configured with, so that its instances run. Counted platforms make its workload here,
   * without replicas. Called once for a route.
   */
  prepare(route: string): Promise<unknown>
  /** The copies of this route that run now, of any owner, as the platform says it: without the adapter. */
  list(route: string): Promise<readonly Running[]>
  /**
   * Has an instance do what a linker does when it leaves. Where {@link leaves} is `exit` it ends with status 0; where it
   * is `park` it goes on without serving (and fails its readiness, where there is such a thing).
   */
  leave(id: string, route: string): Promise<void>
  /** Ends an instance like a crash, with another status than 0. */
  kill(id: string, route: string): Promise<void>
  /** Removes all that a case made for this route, of any owner, without the adapter. Called at the end of each case. */
  cleanUp(route: string): Promise<void>

  /** Has an adapter die and come back (default: it is closed and another one made). */
  restartAdapter?(adapter: Scaler, host: Host): Promise<Scaler>
  /** The whole environment of a running instance, byte for byte. Named launches only. */
  environment?(id: string, route: string): Promise<Readonly<Record<string, string>>>
  /** From now on the platform refuses to start this launch, and no other. Named launches only. */
  refuse?(launch: string, route: string): Promise<void>
  /** How long the platform waits between telling an instance to end and killing it, as it says itself. */
  graceMs?(id: string, route: string): Promise<number>
  /** Problems that can be had on this platform: an image that is not there (`image`), a full cluster (`unschedulable`). */
  readonly problems?: Readonly<Partial<Record<Problem['code'], (route: string) => Promise<Provoked>>>>
  /**
   * Makes the platform's API unreachable for every adapter, and resolves with what ends that. refused: connections are
   * refused. silent: they are accepted and nothing is answered.
   */
  readonly outages?: Readonly<Partial<Record<'refused' | 'silent', () => Promise<() => Promise<void>>>>>
  /**
   * How long after a change on the platform, at most, the adapter says `host.changed(route)`, in milliseconds. Absent where
   * the platform tells an adapter nothing: the edge then learns of it when it looks by itself.
   */
  readonly changedWithinMs?: number
  /** Cuts the connections over which adapters hear of changes. */
  loseWatch?(): Promise<void>
  /** A real edge, with this adapter and a real linker in its instances, for a route. */
  endToEnd?(route: string): Promise<EndToEnd>
}

/** Options that are wrong in one place. */
export interface BadOptions {
  readonly options: unknown
  /** What the error must name: `command`. */
  readonly path: string
}

/** One running copy. */
export interface Running {
  /** Equals {@link Instance.id} of the adapter. */
  readonly id: string
  /** Differs for each start, also of one id: process id and start time, container id and StartedAt. */
  readonly incarnation: string
}

/** A problem that is there for whoever is started. */
export interface Provoked {
  /** The app's options, in place of those of {@link Driver.prepare}, which is not called. */
  readonly options: unknown
  /** Part of what the platform says itself, which the problem's message has to repeat. */
  readonly message?: string | RegExp
  /** How it has to be reported (default: image, invalid, denied and crashed are final, unschedulable and unavailable never). */
  readonly final?: boolean
  /** The adapter that meets it (default: {@link Driver.make}): one with other credentials. */
  make?(host: Host): Scaler | Promise<Scaler>
  /** Takes back what was done beyond the route. */
  undo?(): Promise<void>
}

/** A whole brxy, so that requests have instances started. */
export interface EndToEnd {
  /** Asks once, through the edge, for something that takes an instance some seconds; resolves with the status. */
  ask(): Promise<number>
  /** Stops the edge and what it started. */
  close(): Promise<void>
}
