/** Runs until it is told to end: SIGINT and SIGTERM, as a linker; SIGUSR1: it has nothing to do; SIGUSR2: it crashes. */
const SCRIPT = `trap 'exit 0' USR1; trap 'exit 7' USR2; trap 'exit 0' INT TERM; while :; do sleep 1 & wait $!; done`

const SECOND_NS = 1e9

/** What differs from a task that runs. */
export interface TaskChanges {
  readonly Config?: object
  readonly Resources?: object
  readonly Artifacts?: readonly object[]
}

/** What a launch's environment may have, as meta that Nomad lets through. */
const META = ['ROUTE', 'BRXY_ROUTE', 'BRXY_EDGE', 'BRXY_TOKEN', 'BRXY_LAUNCH', 'BRXY_OWNER']

/** A parameterized job, each dispatch of which is one instance. @param more further names of meta */
export function parameterized(id: string, changes: TaskChanges = {}, more: readonly string[] = []): Job {
  const meta = [...META, ...more]
  const Env = Object.fromEntries(meta.map((name) => [name, `\${NOMAD_META_${name}}`]))
  return {
    ...job(id, 'batch', [group({ ...changes, Env })]),
    ParameterizedJob: { Payload: 'forbidden', MetaOptional: meta },
  }
}

/** A job with one group whose count is set. @param update by default without deployments */
export function counted(id: string, changes: TaskChanges = {}, update: object = { MaxParallel: 0 }): Job {
  return job(id, 'service', [{ ...group(changes), Count: 0, Update: update }])
}

/** A job as Nomad's API takes it. */
export interface Job {
  readonly ID: string
  readonly [field: string]: unknown
}

function job(id: string, type: string, groups: readonly object[]): Job {
  return { ID: id, Name: id, Type: type, Datacenters: ['dc1'], TaskGroups: groups }
}

function group(task: object): object {
  return {
    Name: 'app',
    Count: 1,
    RestartPolicy: { Attempts: 0, Mode: 'fail' },
    ReschedulePolicy: { Attempts: 0, Unlimited: false },
    Tasks: [
      {
        Name: 'app',
        Driver: 'raw_exec',
        Config: { command: '/bin/sh', args: ['-c', SCRIPT] },
        Resources: { CPU: 20, MemoryMB: 16 },
        LogConfig: { MaxFiles: 1, MaxFileSizeMB: 1 },
        KillTimeout: 45 * SECOND_NS,
        ...task,
      },
    ],
  }
}
