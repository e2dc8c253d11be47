import { setTimeout as sleep } from 'node:timers/promises'

const POLL_MS = 50
const PATIENCE_MS = 30_000

/** An allocation, as far as tests look at it. */
export interface SeenAllocation {
  readonly ID: string
  readonly JobID: string
  readonly ClientStatus: string
  readonly DesiredStatus: string
  readonly TaskStates: Readonly<Record<string, { readonly StartedAt: string | null }>> | null
}

/** Nomad's API, as tests use it: past the adapter. */
export class Agent {
  readonly #address: string
  readonly #token: string

  /** @param env as the engine gives it */
  constructor(env: Readonly<Record<string, string>>) {
    this.#address = env.NOMAD_ADDR ?? ''
    this.#token = env.NOMAD_TOKEN ?? ''
  }

  /** @throws with Nomad's words */
  async ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(`${this.#address}${path}`, {
      method,
      headers: { 'x-nomad-token': this.#token },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }

  async register(job: { readonly ID: string }): Promise<void> {
    await this.ask('POST', '/v1/jobs', { Job: job })
  }

  /** Of a job and of those that were dispatched from it. */
  async allocations(job: string): Promise<readonly SeenAllocation[]> {
    const all = await this.ask<readonly SeenAllocation[]>('GET', '/v1/allocations?task_states=true')
    return all.filter(({ JobID }) => JobID === job || JobID.startsWith(`${job}/dispatch-`))
  }

  async signal(allocation: string, signal: string): Promise<void> {
    await this.ask('POST', `/v1/client/allocation/${allocation}/signal`, { Signal: signal })
  }

  /** Removes a job and those that were dispatched from it, and waits until nothing of them runs. */
  async purge(job: string): Promise<void> {
    const stubs = await this.ask<readonly { ID: string }[]>(
      'GET',
      `/v1/jobs?prefix=${encodeURIComponent(job)}`,
    )
    const ids = stubs.map(({ ID }) => ID).filter((id) => id === job || id.startsWith(`${job}/`))
    for (const id of ids.reverse()) await this.ask('DELETE', `/v1/job/${encodeURIComponent(id)}?purge=true`)
    const untilMs = performance.now() + PATIENCE_MS
    while (
      (await this.allocations(job)).some(({ ClientStatus }) => /^(pending|running)$/.test(ClientStatus))
    ) {
      if (performance.now() > untilMs) throw new Error(`allocations of ${job} still run`)
      await sleep(POLL_MS)
    }
  }

  /** Between the signal and the end of a job's task; the clients allow a minute. */
  async killTimeoutMs(job: string): Promise<number> {
    const { TaskGroups } = await this.ask<{ TaskGroups: { Tasks: { KillTimeout: number }[] }[] }>(
      'GET',
      `/v1/job/${job}`,
    )
    return (TaskGroups[0]?.Tasks[0]?.KillTimeout ?? 0) / 1e6
  }

  /** A token that may do what the rules say and nothing else. */
  async token(name: string, rules: string): Promise<string> {
    await this.ask('POST', `/v1/acl/policy/${name}`, { Name: name, Rules: rules })
    const { SecretID } = await this.ask<{ SecretID: string }>('POST', '/v1/acl/token', {
      Name: name,
      Type: 'client',
      Policies: [name],
    })
    return SecretID
  }
}
