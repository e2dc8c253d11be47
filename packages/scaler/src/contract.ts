/**
 * Default export of an adapter package. Called once for each scaler that the configuration names.
 *
 * @param options the adapter's own section of the configuration, unvalidated; the adapter validates it
 * @throws an error branded `brxy.error` that names the option's path. No I/O happens here that can wait.
 */
export type ScalerFactory = (options: unknown, host: Host) => Scaler

/** What the edge gives to an adapter. */
export interface Host {
  /** Marks everything that the adapter creates. Edges that share it share instances; others never see each other's. */
  readonly owner: string
  /** A directory of this adapter's own that survives restarts. The adapter creates it, with mode 0700, if it is absent. */
  readonly stateDir: string
  /**
   * Says that `observe()` would answer differently now. A hint: it may be lost, repeated or early, so the edge observes
   * without it too.
   */
  changed(route: string): void
  /**
   * One line of the edge's log: a constant message, the data in fields.
   *
   * A line that a launch wrote is logged at `info` as it stands, with `{ route, launch, stream, output: true }`.
   */
  log(level: 'info' | 'warn' | 'error', message: string, fields?: object): void
}

/** One adapter, for all apps that use it. */
export interface Scaler {
  /**
   * Validates one app's options and returns what scales it. No I/O.
   *
   * @param route the app's name: a host, a host with a path, or `tcp:PORT`; up to 253 characters
   * @throws an error branded `brxy.error` that names the option's path
   */
  app(route: string, options: unknown): AppScaler
  /**
   * Routes of which instances may be left from an earlier run; the caller looks whether they are still wanted. Asked once,
   * before anything is launched, for apps whose routes nobody could list: each host is one. Without it such instances are
   * found when their route is asked for.
   *
   * Rejections are logged, and nothing follows from them.
   */
  known?(): Promise<readonly string[]>
  /**
   * Frees every handle and leaves the instances running: the edge may be restarting. Calls after it are rejected, and the
   * host is told nothing any more.
   */
  close(): Promise<void>
}

/** Scales one app. The edge makes one call at a time to it, each bounded to 30 s by its signal. */
export interface AppScaler {
  /** named: each launch carries its id and environment. counted: replicas are alike, and only their number is set. */
  readonly launches: 'named' | 'counted'
  /**
   * What a linker does after it stopped its application; sent to it in WELCOME. exit: it exits with status 0. park: it
   * waits to be removed, on platforms that would restart it.
   */
  readonly leave: 'exit' | 'park'
  /**
   * Moves the platform towards the target. Resolves when the platform has accepted, with what `observe()` would answer.
   * Safe to repeat and to abort: the same target ten times is one change.
   *
   * A launch that failed is an ended {@link Instance} with a {@link Problem}, not a rejection.
   *
   * @throws (rejects) an error branded `brxy.error`, only if nothing can be concluded: the platform's API is down, the
   *   signal fired, the adapter was closed, what the options name is not there. The launches of the call have failed then:
   *   `denied` for the code `scaler/denied`, `invalid` for `scaler/invalid`, `unavailable` for any other. Its message is
   *   what operators read.
   */
  scale(target: Target, signal: AbortSignal): Promise<readonly Instance[]>
  /** The instances that exist now, and those that ended and whose reason is still known. Absent is not failed. */
  observe(signal: AbortSignal): Promise<readonly Instance[]>
}

/** What should be. It carries everything, so that a call that was lost needs no repair. */
export interface Target {
  /**
   * Instances wanted: connected and starting ones, without those in `remove`. A floor: counts fall only through `remove`.
   */
  readonly want: number
  /** Launches that have neither connected nor ended. One id is started at most once, ever. */
  readonly start: readonly Launch[]
  /** Must not exist. Repeated until `observe()` stops listing them; unknown ones are a success. */
  readonly remove: readonly Instance[]
}

/** One attempt to start an instance. */
export interface Launch {
  /** Chosen by the edge; it comes back in the linker's HELLO. */
  readonly id: string
  /** `ROUTE BRXY_ROUTE BRXY_EDGE BRXY_TOKEN BRXY_LAUNCH`. Holds a secret: it is neither logged nor shown. */
  readonly env: Readonly<Record<string, string>>
}

/** One instance, as the platform sees it. */
export interface Instance {
  /**
   * The platform's name for it, and never that of another one: `Placeholders` has some for what the platform cannot make and has
   * no names for. Counted: equals the platform id in HELLO.
   */
  readonly id: string
  /** The launch it came from, where launches are named. */
  readonly launch?: string
  /** ended: it is over, and only its record is left. */
  readonly state: 'starting' | 'running' | 'ended'
  /** When it entered its state, in epoch milliseconds. */
  readonly since: number
  /** Where the platform chooses what it removes: the highest goes first. */
  readonly order?: number
  /** Why it does not start, or ended badly. */
  readonly problem?: Problem
  /**
   * Only in an answer of `scale()`, of one in its `remove`: it was left alone, because the platform would have taken another
   * one, and no earlier call will end it either. So the edge may recall one that is parked; without this it does not.
   */
  readonly kept?: boolean
}

/** Why a launch does not become an instance. */
export interface Problem {
  /**
   * image: it cannot be pulled or is invalid. quota: a limit of the platform. unschedulable: no room at the moment.
   * denied: the adapter may not. invalid: the description or command is wrong. crashed: it ran and ended badly.
   * unavailable: the platform cannot say or asks to try again.
   */
  readonly code:
    | 'image'
    | 'quota'
    | 'unschedulable'
    | 'denied'
    | 'invalid'
    | 'crashed'
    | 'unavailable'
    | 'other'
  /** For operators: names the cause and the remedy. Clients get a fixed text for the code instead. */
  readonly message: string
  /** true: this launch has failed, now. false: it may still come; this is the reason given if it does not. */
  readonly final: boolean
}

/**
 * What an {@link AppScaler} may offer beside its contract: the last lines that a launch wrote. Adapters on platforms
 * that keep logs of their own have no need of it; a caller looks whether `output` is there.
 */
export interface OutputSource {
  /** The last lines of both streams in order of arrival, oldest first; empty for a launch that is not known. */
  output(launch: string): readonly string[]
}
