import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import type { Server } from 'node:http'
import { join } from 'node:path'
import { normalizeHost } from '@brxy/http1'
import { type OptionsInput, resolveOptions } from '@brxy/options'
import { BrxyError, type Farewell, type Hello, TUNNEL_PATH } from '@brxy/protocol'
import { TimerWheel } from '@brxy/protocol/transport'
import type { ScalerFactory } from '@brxy/scaler'
import { parseAddress } from './address.ts'
import { createAdminServer } from './admin/admin-server.ts'
import { appStatus, type Status } from './admin/status.ts'
import { App } from './app.ts'
import { Apps } from './apps.ts'
import { Clients } from './clients.ts'
import type { EdgeEvent } from './event.ts'
import { Shared } from './forward/shared.ts'
import { HoldTotal } from './hold/queue.ts'
import { listen } from './listen.ts'
import { EDGE_OPTIONS, type EdgeOptions } from './options.ts'
import { HostPatterns } from './route/host-pattern.ts'
import { ScalerRunner } from './scale/runner.ts'
import { checkSecret, loadSecret } from './token/secret.ts'
import { allowsRoute, type Grant, Tokens } from './token/tokens.ts'
import type { Instance } from './tunnel/instance.ts'
import { TunnelServer } from './tunnel/tunnel-server.ts'

/** How long a token for a launch may be used for its first HELLO. */
const LAUNCH_TOKEN_MS = 3_600_000
/** How long the token that WELCOME brings may be used to come back. */
const SESSION_TOKEN_MS = 24 * 3_600_000
/** What linkers need to stop their applications, beyond draining: SIGTERM, SIGKILL after 10 s, and some. */
const STOP_GRACE_MS = 15_000
/** What sessions are given to take their farewell in. */
const GOODBYE_MS = 1_000

/** What starts instances. */
export interface ScalerChoice {
  readonly factory: ScalerFactory
  /** Options of the adapter and of each of its apps; the adapter validates them. */
  readonly options: unknown
  readonly appOptions: unknown
  /** Whether it works only on this machine, so that a loopback tunnel address is of use to it. */
  readonly isLocal: boolean
}

export interface EdgeConfig {
  readonly options: OptionsInput<typeof EDGE_OPTIONS> & { readonly stateDir: string }
  /** null: only linkers that come by themselves. */
  readonly scaler: ScalerChoice | null
  readonly version: string
  readonly onEvent: (event: EdgeEvent) => void
  /** Whether onEvent hears of each request. */
  readonly reportRequests?: boolean
}

/** Where an edge listens. */
export interface EdgeAddresses {
  readonly clients: readonly string[]
  readonly tunnel: string
  readonly admin: string
}

/**
 * An edge: accepts clients and linkers, holds requests, brokers them, and has the scaler start instances.
 * start() resolves when it listens; stop() drains.
 */
export class Edge {
  readonly options: EdgeOptions
  readonly #config: EdgeConfig
  readonly #wheel = new TimerWheel()
  readonly #id = randomBytes(6).toString('hex')
  readonly #shared: Shared
  readonly #apps: Apps
  readonly #clients: Clients
  #tunnel: TunnelServer | null = null
  #admin: Server | null = null
  #runner: ScalerRunner | null = null
  #tokens: Tokens | null = null
  #tunnelUrl = ''
  #sessions = 0
  #stopping: Promise<void> | null = null

  /** @throws OptionsError, BrxyError `edge/bad-host` */
  constructor(config: EdgeConfig) {
    this.#config = config
    this.options = resolveOptions(EDGE_OPTIONS, config.options)
    const { options } = this
    const emit = config.onEvent
    const self = this
    this.#apps = new Apps(new HostPatterns(options.hosts), options.maxApps, {
      options,
      total: new HoldTotal({ maxHeld: options.totalHeld, maxHeldBytes: options.totalHeldBytes }),
      wheel: this.#wheel,
      emit,
      newLaunchId: () => randomBytes(10).toString('hex'),
      get runner() {
        return self.#runner
      },
    })
    this.#shared = new Shared(options, this.#apps, this.#wheel, emit)
    this.#shared.wantsRequests = config.reportRequests ?? false
    this.#clients = new Clients(this.#shared)
  }

  /** @throws BrxyError `edge/address-in-use`, `edge/bad-address`, `edge/bad-secret`, `edge/advertise-required`, OptionsError */
  async start(): Promise<EdgeAddresses> {
    const { options } = this
    const { onEvent: emit, scaler } = this.#config
    const stateDir = this.#config.options.stateDir
    const secret =
      options.secret === undefined ? await loadSecret(stateDir) : checkSecret(options.secret, 'BRXY_SECRET')
    this.#tokens = new Tokens(secret)
    if (scaler !== null && !scaler.isLocal && options.advertise === undefined) {
      throw new BrxyError(
        'edge/advertise-required',
        'this scaler starts instances elsewhere: set --advertise to the tunnel address they can reach',
      )
    }
    try {
      return await this.#listen(emit, stateDir)
    } catch (error) {
      await this.#close()
      throw error
    }
  }

  async #listen(emit: (event: EdgeEvent) => void, stateDir: string): Promise<EdgeAddresses> {
    const { options } = this
    const tokens = this.#tokens as Tokens
    const edges: string[] = []
    const onError = (error: Error) => emit({ type: 'bug', error })
    this.#tunnel = new TunnelServer({
      tokens,
      wheel: this.#wheel,
      greeting: { edge: this.#id, edges, reconnectSpreadMs: options.reconnectSpreadMs },
      admit: (hello, instance, grant) => this.#admit(hello, instance, grant),
      emit,
    })
    const tunnel = await listen(this.#tunnel.server, options.tunnel, onError)
    this.#tunnelUrl = advertised(options.advertise, tunnel)
    edges.push(this.#tunnelUrl)
    await this.#startScaler(stateDir)
    this.#admin = createAdminServer({ status: () => this.status() })
    const admin = await listen(this.#admin, options.admin, onError)
    const clients: string[] = []
    for (const address of options.listen) clients.push(await this.#clients.listen(address))
    const addresses = { clients, tunnel, admin }
    emit({ type: 'listening', ...addresses })
    return addresses
  }

  async #startScaler(stateDir: string): Promise<void> {
    const { scaler, onEvent: emit } = this.#config
    if (scaler === null) return
    const tokens = this.#tokens as Tokens
    const scalerDir = join(stateDir, 'scaler')
    await mkdir(scalerDir, { recursive: true, mode: 0o700 })
    const host = {
      owner: this.#owner(),
      stateDir: scalerDir,
      changed: (route: string) => this.#runner?.changed(route),
      log: (level: 'info' | 'warn' | 'error', message: string, fields: object = {}) =>
        this.#onScalerLog(level, message, fields),
    }
    const environment = async (route: string, launch: string) => ({
      ROUTE: route,
      BRXY_ROUTE: route,
      BRXY_EDGE: this.#tunnelUrl,
      BRXY_LAUNCH: launch,
      BRXY_TOKEN: await tokens.issue({ routes: [route], launch }, LAUNCH_TOKEN_MS),
    })
    this.#runner = new ScalerRunner(
      scaler.factory(scaler.options, host),
      scaler.appOptions,
      environment,
      this.#wheel,
      (message, error) => {
        const text = error instanceof Error ? error.message : String(error)
        emit({ type: 'scaler', level: 'warn', message, fields: { error: text } })
      },
    )
  }

  /**
   * Marks this edge's launches. Client ports are unique on a machine and stay the same over a restart, so an edge finds
   * its own launches again, and never those of another one.
   */
  #owner(): string {
    const { listen: addresses } = this.options
    const isRandom = addresses.some((address) => parseAddress(address).port === 0)
    return `brxy ${addresses.join(' ')}${isRandom ? ` ${this.#id}` : ''}`
  }

  /** Everything about this edge that people and tests may watch. */
  status(): Status {
    const nowMs = this.#wheel.now()
    return {
      version: this.#config.version,
      edge: this.#id,
      draining: this.#shared.isDraining,
      connections: this.#clients.count,
      apps: [...this.#apps].map((app) => appStatus(app, nowMs)),
    }
  }

  /** Drains: no new clients, held requests are answered 503, running ones finish within `drain`; then all ends. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    const { drainMs, onExit } = this.options
    this.#config.onEvent({ type: 'draining' })
    this.#shared.isDraining = true
    for (const app of this.#apps) app.refuseHeld()
    await Promise.race([this.#clients.drain(), after(drainMs)])
    this.#clients.destroy()
    if (onExit === 'stop') await this.#runner?.removeAll(drainMs + STOP_GRACE_MS)
    const goodbye = this.#tunnel?.goodbye('edge/stopping', 'the edge is stopping')
    await Promise.race([goodbye, after(GOODBYE_MS)])
    await this.#close()
  }

  async #close(): Promise<void> {
    for (const app of this.#apps) app.close()
    this.#clients.destroy()
    this.#tunnel?.close()
    this.#admin?.close()
    this.#admin?.closeAllConnections()
    await this.#runner?.close()
    this.#wheel.close()
  }

  /** Answers a HELLO. */
  async #admit(hello: Hello, instance: Instance, grant: Grant): Promise<void> {
    try {
      // First, so that nothing happens between the checks and accept().
      const token = await this.#sessionToken(hello)
      if (instance.session.isClosed) return
      const answer = this.#judge(hello, grant)
      if (answer instanceof App) {
        instance.accept({ app: answer, order: ++this.#sessions, token })
        return
      }
      this.#config.onEvent({ type: 'rejected', ...answer, route: hello.route })
      instance.reject(answer)
    } catch (error) {
      this.#config.onEvent({ type: 'bug', error })
      instance.reject({
        code: 'edge/hello-refused',
        message: 'internal error; the log of the edge says more',
        retryable: true,
      })
    }
  }

  #sessionToken({ route, launch }: Hello): Promise<string> {
    const grant = { routes: [route], ...(launch === undefined ? {} : { launch }) }
    return (this.#tokens as Tokens).issue(grant, SESSION_TOKEN_MS)
  }

  /** The app that a linker may serve, or why none. A session that this one replaces ends. */
  #judge(hello: Hello, grant: Grant): App | Farewell {
    const refused = (code: string, message: string, retryable: boolean) => ({ code, message, retryable })
    const { route } = hello
    if (!allowsRoute(grant, route)) {
      const allowed = grant.routes.length === 0 ? 'no route' : grant.routes.join(', ')
      return refused('token/foreign-route', `the token allows ${allowed}, not ${route}`, false)
    }
    if (this.#shared.isDraining) return refused('edge/stopping', 'this edge is stopping', true)
    // Requests are looked up by the normal form of their host: any other route would never get one.
    if (normalizeHost(route) !== route) {
      return refused('edge/no-route', `"${route}" is no host name in lower case and without port`, false)
    }
    const app = this.#apps.route(route)
    if (app === 'edge/too-many-apps') {
      return refused('edge/no-route', `this edge has ${this.options.maxApps} active apps (--max-apps)`, true)
    }
    if (typeof app === 'string') return refused('edge/no-route', `this edge does not serve ${route}`, true)
    if (app.isTaken(hello)) {
      return refused('edge/already-connected', 'another linker of the same launch has a live session', true)
    }
    const other = app.instances.get(hello.instance)
    if (other !== undefined) {
      if (hello.replaces === undefined) {
        return refused('edge/already-connected', 'this linker process has a live session', true)
      }
      other.session.goaway('edge/replaced', 'the linker opened a new session', true)
    }
    return app
  }

  /** A launch's own output comes through the scaler's log, marked. */
  #onScalerLog(level: 'info' | 'warn' | 'error', message: string, fields: object): void {
    const { output, route, launch, stream } = fields as {
      output?: boolean
      route?: string
      launch?: string
      stream?: string
    }
    if (output !== true || route === undefined || launch === undefined) {
      this.#config.onEvent({ type: 'scaler', level, message, fields })
      return
    }
    const app = this.#apps.find(route)
    const copy = app?.controller.member(launch)?.copy
    const instance = copy === undefined ? route : `${route}/${copy}`
    this.#config.onEvent({ type: 'output', app: route, instance, stream: stream ?? 'stdout', line: message })
  }
}

/** What linkers are told to dial. */
function advertised(advertise: string | undefined, bound: string): string {
  const text = advertise ?? bound.replace(/^0\.0\.0\.0:/, '127.0.0.1:').replace(/^\[::\]:/, '127.0.0.1:')
  return `${/^wss?:\/\//.test(text) ? '' : 'ws://'}${text}${text.includes(TUNNEL_PATH) ? '' : TUNNEL_PATH}`
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref()
  })
}
