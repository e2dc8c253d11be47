import { setTimeout as sleep } from 'node:timers/promises'

/** What is asked of the platform for one copy. */
export interface CopySpec {
  readonly labels: Readonly<Record<string, string>>
  readonly env: Readonly<Record<string, string>>
  readonly image: string
  /** Whether a copy that ends is started again. */
  readonly restarts?: boolean
}

/** One copy, as the platform shows it. */
export interface Copy extends CopySpec {
  readonly name: string
  state: 'pending' | 'starting' | 'running' | 'ended'
  since: number
  incarnation: number
  exitStatus?: number
  /** Why it is pending or could not start. */
  reason?: string
}

/** Copies of one description, of which only the number is set. */
export interface Workload {
  replicas: number
  version: number
  readonly image: string
  /** Copies that are to go first. */
  readonly leavers: Set<string>
}

/** Which copy goes when there are too many. */
export type Choice = 'leavers' | 'highest' | 'oldest'

const LEGAL_NAME = /^[a-z0-9]([a-z0-9.-]{0,98}[a-z0-9])?$/
const CALL_MS = 2
const START_MS = 5

/** A small honest platform in memory, with what real ones have: latency, states, illegal names, stale writes, outages. */
export class FakePlatform {
  readonly copies = new Map<string, Copy>()
  readonly workloads = new Map<string, Workload>()
  /** Launches that it refuses to start. */
  readonly refused = new Set<string>()
  readonly watchers = new Set<() => void>()
  /** How long a copy that is removed is still there. */
  endMs = 5
  outage: 'none' | 'refused' | 'silent' = 'none'
  readonly #choice: Choice
  #incarnations = 0

  constructor(choice: Choice = 'leavers') {
    this.#choice = choice
  }

  /** @throws Error `exists`, `illegal name`, `refused`; what an outage throws */
  async create(name: string, spec: CopySpec, signal?: AbortSignal): Promise<void> {
    await this.#call(signal)
    if (!LEGAL_NAME.test(name)) throw new Error(`illegal name: ${name}`)
    if (this.copies.has(name)) throw new Error(`exists: ${name}`)
    if (this.refused.has(spec.labels.launch)) throw new Error(`refused: ${spec.labels.launch}`)
    this.#start(name, spec)
  }

  async list(labels: Readonly<Record<string, string>>, signal?: AbortSignal): Promise<readonly Copy[]> {
    await this.#call(signal)
    const wanted = Object.entries(labels)
    const found = [...this.copies.values()].filter((copy) =>
      wanted.every(([key, value]) => copy.labels[key] === value),
    )
    return found.map((copy) => ({ ...copy }))
  }

  /** Unknown ones are a success. */
  async delete(name: string, signal?: AbortSignal): Promise<void> {
    await this.#call(signal)
    this.#remove(name)
  }

  async workload(name: string, signal?: AbortSignal): Promise<Workload> {
    await this.#call(signal)
    const workload = this.workloads.get(name)
    if (workload === undefined) throw new Error(`there is no workload ${name}`)
    return { ...workload, leavers: new Set(workload.leavers) }
  }

  /** @throws Error `stale` if the workload was written since that version was read */
  async resize(
    name: string,
    { replicas, version, leavers }: { replicas: number; version: number; leavers: readonly string[] },
    signal?: AbortSignal,
  ): Promise<void> {
    await this.#call(signal)
    const workload = this.workloads.get(name)
    if (workload === undefined || workload.version !== version) throw new Error(`stale: ${name}`)
    workload.replicas = replicas
    workload.version++
    for (const leaver of leavers) workload.leavers.add(leaver)
    this.#reconcile(name, workload)
  }

  makeWorkload(name: string, image: string): void {
    this.workloads.set(name, { replicas: 0, version: 1, image, leavers: new Set() })
  }

  /** A copy ends by itself. */
  end(name: string, status: number): void {
    const copy = this.copies.get(name)
    if (copy === undefined || copy.state === 'ended') return
    Object.assign(copy, { state: 'ended', since: Date.now(), exitStatus: status })
    this.#changed()
    if (copy.restarts !== true) return
    this.copies.delete(name)
    this.#start(name, copy)
  }

  /** Everything of a label's value is gone. */
  purge(label: string, value: string): void {
    for (const { name, labels } of this.copies.values()) if (labels[label] === value) this.copies.delete(name)
    this.workloads.delete(value)
  }

  #start(name: string, spec: CopySpec): void {
    const { labels, env, image, restarts = false } = spec
    const copy: Copy = {
      ...{ labels, env, image, restarts, name },
      ...{ state: 'starting', since: Date.now(), incarnation: ++this.#incarnations },
    }
    this.copies.set(name, copy)
    setTimeout(() => {
      if (this.copies.get(name) !== copy || copy.state !== 'starting') return
      if (image === 'runs') copy.state = 'running'
      else if (image === 'too large') Object.assign(copy, { state: 'pending', reason: '0/3 nodes have room' })
      else if (image === 'crashes')
        Object.assign(copy, { state: 'ended', exitStatus: 3, reason: 'exit status 3' })
      else Object.assign(copy, { state: 'ended', reason: `cannot pull "${image}"` })
      copy.since = Date.now()
      this.#changed()
    }, START_MS)
  }

  #remove(name: string): void {
    const copy = this.copies.get(name)
    if (copy === undefined) return
    setTimeout(() => {
      if (this.copies.get(name) === copy) this.copies.delete(name)
      this.#changed()
    }, this.endMs)
  }

  #reconcile(name: string, workload: Workload): void {
    const copies = [...this.copies.values()].filter(({ labels }) => labels.workload === name)
    let next = 0
    for (let there = copies.length; there < workload.replicas; there++) {
      while (this.copies.has(`${name}-${next}`)) next++
      const { image } = workload
      this.#start(`${name}-${next}`, { labels: { workload: name }, env: {}, image })
    }
    for (const copy of this.#victims(copies, workload).slice(0, copies.length - workload.replicas))
      this.#remove(copy.name)
  }

  #victims(copies: readonly Copy[], { leavers }: Workload): Copy[] {
    if (copies.length === 0) return []
    if (this.#choice === 'oldest') return copies.toSorted((a, b) => a.incarnation - b.incarnation)
    if (this.#choice === 'highest') return copies.toSorted((a, b) => orderOf(b) - orderOf(a))
    return copies.toSorted((a, b) => Number(leavers.has(b.name)) - Number(leavers.has(a.name)))
  }

  async #call(signal: AbortSignal | undefined): Promise<void> {
    if (this.outage === 'refused') throw new Error('ECONNREFUSED')
    // Nobody answers: only whoever asks can end it.
    await sleep(
      this.outage === 'silent' ? 3_600_000 : CALL_MS,
      undefined,
      signal === undefined ? {} : { signal },
    )
  }

  #changed(): void {
    for (const watcher of [...this.watchers]) watcher()
  }
}

/** The number at the end of a replica's name. */
export function orderOf({ name }: Pick<Copy, 'name'>): number {
  return Number(name.slice(name.lastIndexOf('-') + 1))
}
