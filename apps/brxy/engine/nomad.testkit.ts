import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type StartedEngine, startEngine, whyNot } from '@brxy-tooling/engines'
import { eventually } from '@brxy-tooling/testkit'

const LINK = fileURLToPath(new URL('../../../packages/linker/bin/brxy-link', import.meta.url))
const EXAMPLES = new URL('../../../examples/nomad/', import.meta.url)

/** A Nomad with jobs of the examples. */
export class NomadPlatform {
  readonly address: string
  readonly #token: string
  readonly #engine: StartedEngine
  #policies = 0

  private constructor(engine: StartedEngine) {
    this.address = engine.env.NOMAD_ADDR ?? ''
    this.#token = engine.env.NOMAD_TOKEN ?? ''
    this.#engine = engine
  }

  static async up(): Promise<NomadPlatform> {
    return new NomadPlatform(await startEngine('nomad'))
  }

  async down(): Promise<void> {
    await this.#engine.stop()
  }

  /** Registers examples/nomad/NAME.nomad.hcl as it is, with values for its variables. */
  async runExample(name: string, variables: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const JobHCL = readFileSync(new URL(`${name}.nomad.hcl`, EXAMPLES), 'utf8')
    const Variables = Object.entries({ link: LINK, ...variables })
      .map(([variable, value]) => `${variable} = ${JSON.stringify(value)}`)
      .join('\n')
    const Job = await this.#ask<object>('POST', '/v1/jobs/parse', { JobHCL, Variables, Canonicalize: true })
    await this.#ask('POST', '/v1/jobs', { Job })
  }

  /** A token that may do what the rules say and nothing else. */
  async token(rules: string): Promise<string> {
    const name = `policy-${this.#policies++}`
    await this.#ask('POST', `/v1/acl/policy/${name}`, { Name: name, Rules: rules })
    const body = { Name: name, Type: 'client', Policies: [name] }
    return (await this.#ask<{ SecretID: string }>('POST', '/v1/acl/token', body)).SecretID
  }

  /** Allocations of a job, or of those dispatched from it, that run. */
  async running(job: string): Promise<readonly string[]> {
    const all = await this.#ask<readonly { ID: string; JobID: string; ClientStatus: string }[]>(
      'GET',
      '/v1/allocations',
    )
    return all
      .filter(({ JobID }) => JobID === job || JobID.startsWith(`${job}/dispatch-`))
      .filter(({ ClientStatus }) => ClientStatus === 'running' || ClientStatus === 'pending')
      .map(({ ID }) => ID)
  }

  /** Nothing that was dispatched from a job is left. */
  async purgeChildren(job: string): Promise<void> {
    const prefix = encodeURIComponent(`${job}/dispatch-`)
    for (const { ID } of await this.#ask<readonly { ID: string }[]>('GET', `/v1/jobs?prefix=${prefix}`))
      await this.#ask('DELETE', `/v1/job/${encodeURIComponent(ID)}?purge=true`)
    await eventually(`the end of ${job}`, async () => (await this.running(job)).length === 0 || undefined)
  }

  async #ask<T>(method: string, path: string, body?: unknown): Promise<T> {
    const answer = await fetch(`${this.address}${path}`, {
      method,
      headers: { 'x-nomad-token': this.#token },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const text = await answer.text()
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`)
    return (text === '' ? undefined : JSON.parse(text)) as T
  }
}

/** Says loudly what is skipped. @throws if this machine has to have a Nomad and has none */
export async function isMissing(): Promise<boolean> {
  const why = await whyNot('nomad')
  if (why !== null) process.stderr.write(`SKIPPED: every test of an edge in front of Nomad: ${why}\n`)
  return why !== null
}
