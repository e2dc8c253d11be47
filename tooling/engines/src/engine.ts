/** The platforms that tests can have for real. */
export const ENGINE_NAMES = ['docker', 'swarm', 'compose', 'kubernetes', 'nomad'] as const

export type EngineName = (typeof ENGINE_NAMES)[number]

/** A line for whoever waits. */
export type Log = (line: string) => void

/**
 * One platform, on this machine, as root, on loopback, beside whatever else runs here.
 *
 * All of it lives below one directory: what runs is found by the files there, so that another process, or the next one
 * after a crash, can take it down.
 */
export interface Engine {
  readonly name: EngineName
  /** What this machine lacks, with the command that brings it, or null. Looks, and changes nothing. */
  missing(): Promise<string | null>
  /** Whether {@link build} has nothing left to do. */
  isBuilt(): boolean
  /** Makes what is made once for each machine, and kept. Returns at once if it is there. */
  build(log: Log): Promise<void>
  /**
   * Starts it below an empty directory. Resolves when it takes work.
   *
   * @returns the environment in which its own client, and the adapter, find it: DOCKER_HOST, KUBECONFIG, NOMAD_ADDR
   * @throws with the end of the log of what did not start; nothing is left running
   */
  up(dir: string, log: Log): Promise<Readonly<Record<string, string>>>
  /**
   * Removes what a file of tests has left in one that the next file uses.
   *
   * @param env as {@link up} gave it
   * @returns what that was, or null
   */
  removeLeft?(env: Readonly<Record<string, string>>): Promise<string | null>
  /** Ends all that runs below the directory: processes, containers, mounts. The directory itself is left, and can be removed. */
  down(dir: string): Promise<void>
}
