import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type StartedEngine, sharedEngine, startEngine } from '@brxy-tooling/engines'
import { EdgeProcess, eventually, freePorts } from '@brxy-tooling/testkit'
import { ConfigFile } from '../e2e/config-file.ts'
import { typeCommand } from './nomad-commands.testkit.ts'

const LINK = fileURLToPath(new URL('../../../packages/linker/bin/brxy-link', import.meta.url))
const EXAMPLES = new URL('../../../examples/nomad/', import.meta.url)
const SECRET = 'a secret that signs tokens'

/** A policy that users start from, as it is shipped. */
export function shippedPolicy(name: 'edge-dispatch' | 'edge-count'): string {
  return readFileSync(new URL(`${name}.policy.hcl`, EXAMPLES), 'utf8')
}

/** A Nomad with jobs of the examples. */
export class NomadPlatform {
  readonly address: string
  /** In which its own command finds it, as who may do all. */
  readonly env: StartedEngine['env']
  readonly #token: string
  readonly #engine: StartedEngine
  #policies = 0

  private constructor(engine: StartedEngine) {
    this.address = engine.env.NOMAD_ADDR ?? ''
    this.env = engine.env
    this.#token = engine.env.NOMAD_TOKEN ?? ''
    this.#engine = engine
  }

  static async up(): Promise<NomadPlatform> {
    return new NomadPlatform(await sharedEngine('nomad'))
  }

  /** One that no other file has, whose docker driver uses the Engine at `host`. */
  static async withDocker(host: string): Promise<NomadPlatform> {
    const { DOCKER_HOST } = process.env
    process.env.DOCKER_HOST = host
    try {
      return new NomadPlatform(await startEngine('nomad'))
    } finally {
      if (DOCKER_HOST === undefined) delete process.env.DOCKER_HOST
      else process.env.DOCKER_HOST = DOCKER_HOST
    }
  }

  async down(): Promise<void> {
    await this.#engine.stop()
  }

  /** Nomad's API. @throws with Nomad's words */
  async ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(`${this.address}${path}`, {
      method,
      headers: { 'x-nomad-token': this.#token },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }

  /**
   * Registers examples/nomad/NAME.nomad.hcl as it is, with values for its variables.
   *
   * @param task put over its only task, for what no variable says
   */
  async runExample(
    name: string,
    variables: Readonly<Record<string, unknown>> = {},
    task: object = {},
  ): Promise<void> {
    const JobHCL = readFileSync(new URL(`${name}.nomad.hcl`, EXAMPLES), 'utf8')
    const Variables = Object.entries({ link: LINK, ...variables })
      .map(([variable, value]) => `${variable} = ${JSON.stringify(value)}`)
      .join('\n')
    const parse = { JobHCL, Variables, Canonicalize: true }
    const Job = await this.ask<{ TaskGroups: { Tasks: object[] }[] }>('POST', '/v1/jobs/parse', parse)
    Object.assign(Job.TaskGroups[0].Tasks[0], task)
    await this.ask('POST', '/v1/jobs', { Job })
  }

  /** A token that may do what the rules say and nothing else. */
  async token(rules: string): Promise<string> {
    const name = `policy-${this.#policies++}`
    await this.ask('POST', `/v1/acl/policy/${name}`, { Name: name, Rules: rules })
    const body = { Name: name, Type: 'client', Policies: [name] }
    return (await this.ask<{ SecretID: string }>('POST', '/v1/acl/token', body)).SecretID
  }

  /** Allocations of a job, or of those dispatched from it, that run. */
  async running(job: string): Promise<readonly string[]> {
    const all = await this.ask<readonly { ID: string; JobID: string; ClientStatus: string }[]>(
      'GET',
      '/v1/allocations',
    )
    return all
      .filter(({ JobID }) => JobID === job || JobID.startsWith(`${job}/dispatch-`))
      .filter(({ ClientStatus }) => ClientStatus === 'running' || ClientStatus === 'pending')
      .map(({ ID }) => ID)
  }

  /** The count of a job's only group, as it is wanted and as it runs. */
  async count(job: string): Promise<{ readonly wanted: number; readonly running: number }> {
    const { TaskGroups } = await this.ask<{
      TaskGroups: Readonly<Record<string, { Desired: number; Running: number }>>
    }>('GET', `/v1/job/${job}/scale`)
    const [{ Desired, Running }] = Object.values(TaskGroups)
    return { wanted: Desired, running: Running }
  }

  /** `nomad var put`, of what the tasks of a job may read. */
  async putVariable(job: string, Items: Readonly<Record<string, string>>): Promise<void> {
    const Path = `nomad/jobs/${job}`
    await this.ask('PUT', `/v1/var/${Path}`, { Namespace: 'default', Path, Items })
  }

  /** What the tasks of a job may read. */
  async variable(job: string): Promise<Readonly<Record<string, string>>> {
    return (await this.ask<{ Items: Record<string, string> }>('GET', `/v1/var/nomad/jobs/${job}`)).Items
  }

  async removeVariable(job: string): Promise<void> {
    await this.ask('DELETE', `/v1/var/nomad/jobs/${job}`)
  }

  /** Launches of which a parameterized job has records, whether they run or not, in no order. */
  async launches(job: string): Promise<readonly string[]> {
    const query = `prefix=${encodeURIComponent(`${job}/dispatch-`)}&meta=true`
    const jobs = await this.ask<readonly { Meta: { BRXY_LAUNCH: string } }[]>('GET', `/v1/jobs?${query}`)
    return jobs.map(({ Meta }) => Meta.BRXY_LAUNCH)
  }

  /** `nomad job stop -purge`, to its end. */
  async purge(job: string): Promise<void> {
    await this.ask('DELETE', `/v1/job/${job}?purge=true`)
    await eventually(`the end of ${job}`, async () => (await this.running(job)).length === 0 || undefined)
  }

  /** Nothing that was dispatched from a job is left. */
  async purgeChildren(job: string): Promise<void> {
    const prefix = encodeURIComponent(`${job}/dispatch-`)
    for (const { ID } of await this.ask<readonly { ID: string }[]>('GET', `/v1/jobs?prefix=${prefix}`))
      await this.ask('DELETE', `/v1/job/${encodeURIComponent(ID)}?purge=true`)
    await eventually(`the end of ${job}`, async () => (await this.running(job)).length === 0 || undefined)
  }
}

/** An edge in front of Nomad, with one app, `shop.test`. */
export class NomadEdge {
  readonly edge: EdgeProcess
  /** Where linkers find it. */
  readonly tunnel: string
  readonly #nomad: NomadPlatform
  readonly #file: ConfigFile

  private constructor(nomad: NomadPlatform, edge: EdgeProcess, tunnel: string, file: ConfigFile) {
    this.#nomad = nomad
    this.edge = edge
    this.tunnel = tunnel
    this.#file = file
  }

  /** @param rules what its token may do @param scaler options of the app @param more of the app, beside its scaler */
  static async start(
    nomad: NomadPlatform,
    rules: string,
    scaler: object,
    more: object = {},
    ofAll: object = {},
  ): Promise<NomadEdge> {
    const file = new ConfigFile()
    const token = await nomad.token(rules)
    const [tunnel] = await freePorts(1)
    const address = `ws://127.0.0.1:${tunnel}`
    file.set(
      { shop: { hosts: ['shop.test'], scaler: { nomad: scaler }, ...more } },
      {
        scalers: { nomad: { address: nomad.address, token, ...ofAll } },
        secret: SECRET,
        tunnel: { bind: `127.0.0.1:${tunnel}`, advertise: address },
      },
    )
    return new NomadEdge(nomad, await EdgeProcess.start({ file: file.path }), address, file)
  }

  ask(path = '/') {
    return this.edge.ask(path, { host: 'shop.test' })
  }

  /** `brxy token --route shop`, for linkers that get none with their launch. */
  async linkerToken(): Promise<string> {
    const words = ['token', '--route', 'shop', '--state-dir', this.edge.stateDir]
    return (await this.#file.run(words, { BRXY_SECRET: SECRET })).stdout.trim()
  }

  /** Types a line where the secret of this edge is, and where Nomad is found. @throws as {@link typeCommand} does */
  async type(line: string): Promise<void> {
    await typeCommand(line, { ...this.#nomad.env, BRXY_SECRET: SECRET })
  }

  async close(): Promise<void> {
    await this.edge.close()
    this.#file.remove()
  }
}
