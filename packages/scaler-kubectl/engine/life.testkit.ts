import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import type { AppScaler, Instance, Target } from '@brxy/scaler'
import kubectl from '../src/index.ts'
import { ID_FIELDS } from '../src/replica.ts'
import { podSpec, template } from './driver.testkit.ts'
import type { Least } from './least.testkit.ts'

export const MODES = ['job', 'pod', 'deployment', 'statefulset'] as const
export type Mode = (typeof MODES)[number]

const ROUTE = 'shop'
/** Of each step, with all lives at once on a busy machine. */
const PATIENCE_MS = 60_000
const POLL_MS = 200

/** All that the adapter does, with the rights of an account: starts, is told of changes, removes, replaces, meets a quota. */
export class Life {
  readonly #least: Least
  readonly #mode: Mode
  readonly #quotaMs: number
  readonly #warnings: string[] = []
  /** Of the launch, or of the workload. */
  readonly #name: string

  /** @param quotaMs until it is known why no pod can be made, or it is given up */
  constructor(least: Least, mode: Mode, quotaMs = PATIENCE_MS) {
    this.#least = least
    this.#mode = mode
    this.#quotaMs = quotaMs
    this.#name = `${mode}-${randomBytes(4).toString('hex')}`
  }

  /** @throws if a right lacks: with the adapter's own error, its first warning, or what is waited for in vain */
  async live(): Promise<void> {
    const scaler = kubectl(this.#least.options(), {
      owner: randomBytes(4).toString('hex'),
      stateDir: tmpdir(),
      changed: () => {},
      log: (_level, message, fields = {}) =>
        this.#warnings.push(`${message}: ${Object.values(fields).join(' ')}`),
    })
    try {
      const isCounted = this.#mode === 'deployment' || this.#mode === 'statefulset'
      const app = scaler.app(ROUTE, isCounted ? await this.#workload() : this.#template())
      const start = [{ id: this.#name, env: {} }]
      const isRunning = (all: readonly Instance[]) => all[0]?.state === 'running'
      const [one] = await this.#reach('it runs', app, { want: 1, start, remove: [] }, isRunning)
      const left = isCounted ? await this.#replaced(app, one as Instance) : [one as Instance]
      if (!isCounted) await this.#conflict()
      await this.#reach('it is removed', app, { want: 0, start: [], remove: left }, isNothing)
      if (this.#mode !== 'pod') await this.#meetsQuota(app)
      this.#expectNoWarning()
    } finally {
      await scaler.close()
    }
  }

  #template(): object {
    return { template: template(this.#mode === 'job' ? 'Job' : 'Pod', podSpec()) }
  }

  async #workload(): Promise<object> {
    const kind = this.#mode as 'deployment' | 'statefulset'
    const labels = { app: this.#name }
    const env = [{ name: 'BRXY_INSTANCE', valueFrom: { fieldRef: { fieldPath: ID_FIELDS[kind] } } }]
    const spec = podSpec({ env }, { terminationGracePeriodSeconds: 45 })
    await this.#least.kubernetes.api.create(this.#least.path(`${kind}s`, 'apps/v1'), {
      metadata: { name: this.#name },
      spec: {
        replicas: 0,
        selector: { matchLabels: labels },
        template: { metadata: { labels }, spec },
        ...(kind === 'statefulset' ? { serviceName: 'none', podManagementPolicy: 'Parallel' } : {}),
      },
    })
    return { workload: `${kind}/${this.#name}` }
  }

  /** As many are wanted anew: a replica that left is replaced. */
  async #replaced(app: AppScaler, gone: Instance): Promise<readonly Instance[]> {
    const isAnother = ([only]: readonly Instance[]) => only !== undefined && only.id !== gone.id
    await this.#reach('it is replaced', app, { want: 1, start: [], remove: [gone] }, isAnother)
    return app.observe(this.#signal())
  }

  /** An edge of another owner starts the same launch: it finds it there. */
  async #conflict(): Promise<void> {
    const host = { owner: 'another', stateDir: tmpdir(), changed: () => {}, log: () => {} }
    const other = kubectl(this.#least.options(), host)
    try {
      const target = { want: 1, start: [{ id: this.#name, env: {} }], remove: [] }
      const [instance] = await other.app(ROUTE, this.#template()).scale(target, this.#signal())
      const said = instance?.problem?.message
      if (!said?.includes('belongs to somebody else')) throw new Error(`no conflict is told: ${said}`)
    } finally {
      await other.close()
    }
  }

  async #meetsQuota(app: AppScaler): Promise<void> {
    const { api } = this.#least.kubernetes
    const quotas = this.#least.path('resourcequotas')
    await api.create(quotas, { metadata: { name: 'none' }, spec: { hard: { pods: '0' } } })
    await api.until(
      'the quota counts',
      async () => (await api.get(`${quotas}/none`)).status?.hard?.pods === '0',
    )
    const start = [{ id: randomBytes(4).toString('hex'), env: {} }]
    const failed = (all: readonly Instance[]) => all.some(({ problem }) => problem?.code === 'quota')
    const remove = await this.#reach(
      'the quota is told',
      app,
      { want: 1, start, remove: [] },
      failed,
      this.#quotaMs,
    )
    await this.#reach('it is removed again', app, { want: 0, start: [], remove }, isNothing)
  }

  /** Asks for the target until what is there is as expected. */
  async #reach(
    what: string,
    app: AppScaler,
    target: Target,
    isReached: (instances: readonly Instance[]) => boolean,
    withinMs = PATIENCE_MS,
  ): Promise<readonly Instance[]> {
    const endMs = performance.now() + withinMs
    for (;;) {
      const instances = await app.scale(target, this.#signal())
      const denied = instances.find(({ problem }) => problem?.code === 'denied')
      if (denied !== undefined) throw new Error(denied.problem?.message)
      this.#expectNoWarning()
      if (isReached(instances)) return instances
      if (performance.now() > endMs) throw new Error(`in vain: ${what}: ${JSON.stringify(instances)}`)
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  }

  #expectNoWarning(): void {
    const [warning] = this.#warnings
    if (warning !== undefined) throw new Error(warning)
  }

  #signal(): AbortSignal {
    return AbortSignal.timeout(PATIENCE_MS)
  }
}

function isNothing(instances: readonly Instance[]): boolean {
  return instances.length === 0
}
