import type { Host, Instance } from '@brxy/scaler'
import { call } from './call.ts'
import { argvOf, directoryOf, launchEnvironment } from './environment.ts'
import type { LaunchSpec } from './launch.ts'
import type { Registry } from './launches.ts'
import { Observed } from './observed.ts'
import type { AppOptions, ShellOptions } from './options.ts'

/** The commands of one app: how each is run, and what `observe` has said. */
export class Commands {
  readonly #route: string
  readonly #options: AppOptions
  readonly #shell: ShellOptions
  readonly #host: Host
  readonly #registry: Registry
  readonly #observed: Observed
  readonly #underWay = new Set<Promise<void>>()

  constructor(route: string, options: AppOptions, shell: ShellOptions, host: Host, registry: Registry) {
    this.#route = route
    this.#options = options
    this.#shell = shell
    this.#host = host
    this.#registry = registry
    this.#observed = new Observed(options.observe?.[0] ?? '')
  }

  /** Who marks what a scheduler keeps, so that edges that share it tell their instances apart. */
  get #owner(): Readonly<Record<string, string>> {
    return this.#options.observe === undefined ? {} : { BRXY_OWNER: this.#host.owner }
  }

  /** How words run with these variables. */
  spec(words: readonly string[], variables: Readonly<Record<string, string>>): LaunchSpec {
    const { env = {}, shell, cwd } = this.#options
    return {
      argv: argvOf(words, shell),
      cwd: directoryOf(this.#shell.cwd, cwd),
      env: launchEnvironment(process.env, env, { ...variables, ...this.#owner }, this.#shell.pathPrefix),
    }
  }

  /** What the `observe` command lists. @throws ScalerError */
  async observe(words: readonly string[], signal: AbortSignal): Promise<readonly Instance[]> {
    return this.#observed.parse(await this.run('observe', words, {}, signal), Date.now())
  }

  /** Runs words to their end. What they write to stderr is logged. @throws ScalerError */
  run(
    which: 'command' | 'observe' | 'remove',
    words: readonly string[],
    variables: Readonly<Record<string, string>>,
    signal: AbortSignal,
  ): Promise<readonly string[]> {
    const route = this.#route
    const { result, gone } = call(this.spec(words, { ROUTE: route, BRXY_ROUTE: route, ...variables }), {
      signal,
      timeoutMs: this.#options.callMs,
      registry: this.#registry,
      onError: (line) =>
        this.#host.log('info', line, { route, command: which, stream: 'stderr', output: true }),
    })
    this.#underWay.add(gone)
    gone.then(() => this.#underWay.delete(gone))
    return result
  }

  /** Resolves when no process is left of what was run, also of what was given up. */
  async idle(): Promise<void> {
    await Promise.all(this.#underWay)
  }
}
