import { randomBytes } from 'node:crypto'
import type { Server } from 'node:http'
import type { OptionsInput } from '@brxy/options'
import { BrxyError } from '@brxy/protocol'
import { TimerWheel } from '@brxy/protocol/transport'
import { parseAddress } from './address.ts'
import { type AdminSource, createAdminServer } from './admin/admin-server.ts'
import { appStatus, asleepStatus, type Status } from './admin/status.ts'
import { Apps } from './apps.ts'
import { Clients } from './clients.ts'
import { DemandReceiver } from './demand/demand-receiver.ts'
import { DemandReporter } from './demand/demand-reporter.ts'
import type { EdgeEvent } from './event.ts'
import { Shared } from './forward/shared.ts'
import { HoldTotal } from './hold/queue.ts'
import { listen } from './listen.ts'
import { type Bound, type Change, Listeners } from './listeners.ts'
import { messageOf } from './message-of.ts'
import type { EDGE_OPTIONS, EdgeOptions } from './options.ts'
import { protocolEnvironment } from './protocol-environment.ts'
import { STOP_GRACE_MS } from './retire.ts'
import { isScaling, scaledApps } from './scale/scaled-apps.ts'
import { scalerLog } from './scale/scaler-log.ts'
import { type Adapters, Scalers } from './scale/scalers.ts'
import { type EdgeSettings, edgeOptions, loadSettings } from './settings.ts'
import { takeUp } from './take-up.ts'
import { TcpListeners } from './tcp-listeners.ts'
import { checkSecret, loadSecret } from './token/secret.ts'
import { Tokens } from './token/tokens.ts'
import { Admissions } from './tunnel/admissions.ts'
import { reachable, tunnelUrl } from './tunnel/tunnel-address.ts'
import { TunnelServer } from './tunnel/tunnel-server.ts'

/** How long a token for a launch may be used for its first HELLO. */
const LAUNCH_TOKEN_MS = 3_600_000
/** What sessions are given to take their farewell in. */
const GOODBYE_MS = 1_000

/** What is configured, and may be configured otherwise while the edge runs. */
export interface EdgeConfiguration {
  readonly options: OptionsInput<typeof EDGE_OPTIONS>
  /** What the apps' `scaler` may name. */
  readonly adapters?: Adapters
  /** For relative names in the options; default: the working directory. */
  readonly directory?: string
}

export interface EdgeConfig extends EdgeConfiguration {
  /** Where the secret and the launches are kept. */
  readonly stateDir: string
  /**
   * Marks what this edge starts, so that it finds its own again after a restart, unless the option `owner` does; default:
   * its client ports, which are unique on a machine.
   */
  readonly owner?: string
  readonly version: string
  readonly onEvent: (event: EdgeEvent) => void
  /** Whether onEvent hears of each request. */
  readonly reportRequests?: boolean
  /** What status() says of the configuration, such as its file; default: null. */
  readonly describeConfig?: () => unknown
  /** What `POST /v1/reload` of the admin port does; null or absent: nothing. */
  readonly onReload?: AdminSource['reload']
}

/** Where an edge listens. */
export interface EdgeAddresses {
  readonly clients: readonly string[]
  /** Of TCP apps, by their names. */
  readonly tcp: Readonly<Record<string, string>>
  readonly tunnel: string
  readonly admin: string
}

/** What stays the same while an edge runs, once its options are known. */
interface Parts {
  readonly shared: Shared
  readonly tokens: Tokens
  readonly scalers: Scalers
  readonly apps: Apps
  readonly clients: Clients
  readonly tcp: TcpListeners
  readonly tunnel: TunnelServer
  readonly admin: Listeners
  readonly reporter: DemandReporter
}

/**
 * An edge: accepts clients and linkers, holds requests, brokers them, and has scalers start instances.
 * start() resolves when it listens, reload() when another configuration is in force; stop() drains.
 */
export class Edge {
  readonly #config: EdgeConfig
  readonly #wheel = new TimerWheel()
  readonly #id = randomBytes(6).toString('hex')
  #settings: EdgeSettings | null = null
  #parts: Parts | null = null
  /** Reloads happen one after another. */
  #lastChange: Promise<unknown> = Promise.resolve()
  #stopping: Promise<void> | null = null

  constructor(config: EdgeConfig) {
    this.#config = config
  }

  /** The options in force. @throws before start() */
  get options(): EdgeOptions {
    if (this.#settings === null) throw new Error('the edge has not been started')
    return this.#settings.options
  }

  /** @throws BrxyError `edge/address-in-use`, `edge/bad-address`, `edge/bad-secret`, `edge/advertise-required`, OptionsError */
  async start(): Promise<EdgeAddresses> {
    const settings = await this.#load(this.#config)
    const parts = this.#makeParts(settings, new Tokens(await this.#secret(settings.options)))
    this.#parts = parts
    try {
      await this.#change(settings, this.#config.adapters ?? {}, [])
      // Last, for nobody may be answered before there are apps.
      const { clients, tcp, tunnel, admin } = parts
      const opened = await clients.change(settings.tls.listen)
      opened.commit()
      const openedTcp = await tcp.change(settings)
      openedTcp.commit()
      const addresses = {
        clients: clients.listeners.addresses,
        tcp: tcp.addresses,
        tunnel: tunnel.listeners.addresses[0],
        admin: admin.addresses[0],
      }
      // Hundreds of starts at once must not keep clients out.
      parts.apps.wake()
      void takeUp(parts, this.#config.onEvent)
      const schemes = settings.tls.listen.map(({ tls }) => (tls === null ? 'http' : 'https'))
      this.#config.onEvent({ type: 'listening', ...addresses, schemes })
      return addresses
    } catch (error) {
      await this.#close()
      throw error
    }
  }

  /**
   * Puts another configuration in force: opens new ports, gives apps their new options, retires those that are gone.
   * Requests that are held or under way go on. With an error nothing has changed.
   *
   * @throws as start(), and BrxyError `edge/stopping`
   */
  reload(configuration: EdgeConfiguration): Promise<void> {
    const change = this.#lastChange.then(() => this.#reload(configuration))
    this.#lastChange = change.catch(() => {})
    return change
  }

  async #reload(configuration: EdgeConfiguration): Promise<void> {
    const parts = this.#parts
    const assertRuns = () => {
      if (parts === null || this.#stopping !== null)
        throw new BrxyError('edge/stopping', 'this edge does not run', { retryable: false })
    }
    assertRuns()
    const settings = await this.#load(configuration)
    const secret = await this.#secret(settings.options)
    assertRuns()
    const { clients, tcp, tokens, apps } = parts as Parts
    const steps = [() => clients.change(settings.tls.listen), () => tcp.change(settings)]
    await this.#change(settings, configuration.adapters ?? {}, steps)
    apps.wake()
    void takeUp(parts as Parts, this.#config.onEvent)
    tokens.rotate(secret)
  }

  #load({ options, directory = '.' }: EdgeConfiguration): Promise<EdgeSettings> {
    return loadSettings(edgeOptions(options), directory)
  }

  #secret({ secret }: EdgeOptions): Promise<Uint8Array> | Uint8Array {
    return secret === undefined ? loadSecret(this.#config.stateDir) : checkSecret(secret, 'BRXY_SECRET')
  }

  /** Everything that can fail happens first; then all takes effect at once. */
  async #change(
    settings: EdgeSettings,
    adapters: Adapters,
    more: readonly (() => Promise<Change>)[],
  ): Promise<void> {
    const { scalers, tunnel, admin, apps, shared, reporter } = this.#parts as Parts
    const { options } = settings
    const steps = [
      () => scalers.change(adapters, scaledApps(settings), options.tunnel.advertise !== undefined),
      () => tunnel.listeners.change([options.tunnel.bind], [settings.tls.tunnel]),
      () => admin.change([options.admin.bind]),
      ...more,
    ]
    const changes: Change[] = []
    try {
      for (const step of steps) changes.push(await step())
    } catch (error) {
      for (const { rollback } of changes.reverse()) await rollback()
      throw error
    }
    for (const { commit } of changes) commit()
    this.#settings = settings
    shared.options = options
    shared.errorPages = settings.errorPages
    shared.trustedProxies = settings.trustedProxies
    apps.apply(settings)
    reporter.changed()
  }

  #makeParts(settings: EdgeSettings, tokens: Tokens): Parts {
    const { onEvent: emit, version: _, ...config } = this.#config
    const onError = (error: Error) => emit({ type: 'bug', error })
    const { options } = settings
    const scalers: Scalers = new Scalers({
      owner: options.owner ?? config.owner ?? this.#owner(options),
      stateDir: config.stateDir,
      wheel: this.#wheel,
      launch: async (route, launch) => ({
        ...(await this.#launchEnvironment(tokens, route, launch)),
        ...protocolEnvironment(apps.find(route)?.settings.options),
      }),
      log: scalerLog(emit, (route, launch) => apps.find(route)?.controller.member(launch)?.copy),
      onError: (message, error) => {
        emit({ type: 'scaler', level: 'warn', message, fields: { error: messageOf(error) } })
      },
    })
    const apps = new Apps(settings, {
      total: new HoldTotal(totalLimits(() => this.options)),
      wheel: this.#wheel,
      epochMs: Date.now,
      emit,
      newLaunchId: () => randomBytes(10).toString('hex'),
      scalers,
      reconnectSpreadMs: () => this.options.tunnel.reconnectSpreadMs,
      isReporting: () => this.options.reportTo !== undefined,
      onChange: () => reporter.changed(),
    })
    const common = { edge: this.#id, apps, tokens, wheel: this.#wheel, emit }
    const reporter: DemandReporter = new DemandReporter({ ...common, settings: () => this.#settings })
    const receiver = new DemandReceiver({ ...common, isScaling: () => isScaling(this.options) })
    const shared = new Shared(options, apps, this.#wheel, emit, this.#id)
    shared.wantsRequests = config.reportRequests ?? false
    const admissions = new Admissions({
      ...common,
      isDraining: () => shared.isDraining,
      onHello: (hello) => shared.lost.onHello(hello),
    })
    const tunnel = new TunnelServer({
      tokens,
      wheel: this.#wheel,
      greeting: () => ({
        edge: this.#id,
        edges: this.#tunnelUrls(),
        reconnectSpreadMs: this.options.tunnel.reconnectSpreadMs,
      }),
      admit: (hello, instance, grant) => void admissions.admit(hello, instance, grant),
      onDemand: (request, response) => void receiver.serve(request, response),
      emit,
    })
    const source: AdminSource = {
      status: () => this.status(),
      token: () => this.options.admin.token,
      verify: (token) => tokens.verifyAdmin(token),
      reload: config.onReload ?? null,
    }
    const admin = new Listeners((bind) => openAdmin(createAdminServer(source), bind, onError))
    const clients = new Clients(shared)
    const tcp = new TcpListeners(shared, apps, () => clients.count)
    return { shared, tokens, scalers, apps, clients, tcp, tunnel, admin, reporter }
  }

  async #launchEnvironment(tokens: Tokens, route: string, launch: string) {
    return {
      ROUTE: route,
      BRXY_ROUTE: route,
      BRXY_EDGE: this.#tunnelUrl(),
      BRXY_LAUNCH: launch,
      BRXY_TOKEN: await tokens.issue({ routes: [route], launch }, LAUNCH_TOKEN_MS),
    }
  }

  /** Ports that the kernel chose are no name. */
  #owner({ listen: addresses }: EdgeOptions): string {
    const binds = addresses.map(({ bind }) => bind)
    const isRandom = binds.some((bind) => parseAddress(bind).port === 0)
    return `brxy ${binds.join(' ')}${isRandom ? ` ${this.#id}` : ''}`
  }

  /** What linkers are told to dial. */
  #tunnelUrl(): string {
    const { advertise } = this.options.tunnel
    return tunnelUrl(advertise ?? reachable(this.#parts?.tunnel.listeners.addresses[0] ?? ''), this.#isSecure)
  }

  /** The addresses of all edges, this one's first. */
  #tunnelUrls(): string[] {
    const peers = this.options.tunnel.peers.map((peer) => tunnelUrl(peer, this.#isSecure))
    return [...new Set([this.#tunnelUrl(), ...peers])]
  }

  get #isSecure(): boolean {
    return this.#settings?.tls.tunnel != null
  }

  /** Everything about this edge that people and tests may watch. */
  status(): Status {
    const nowMs = this.#wheel.now()
    const { version } = this.#config
    const parts = this.#parts
    const config = this.#config.describeConfig?.() ?? null
    const nothing = { draining: false, connections: 0, reporting: null, apps: [] }
    if (parts === null) return { version, edge: this.#id, config, ...nothing }
    const { shared, clients, tcp, apps, reporter } = parts
    return {
      version,
      edge: this.#id,
      config,
      draining: shared.isDraining,
      connections: clients.count + tcp.count,
      reporting: reporter.status(),
      apps: [...[...apps].map((app) => appStatus(app, nowMs)), ...[...apps.asleep()].map(asleepStatus)],
    }
  }

  /** Drains: no new clients, held requests are answered 503, running ones finish within `drain`; then all ends. */
  stop(): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop(): Promise<void> {
    await this.#lastChange
    const parts = this.#parts
    if (parts === null || this.#settings === null) return this.#close()
    const { shared, apps, clients, tcp, scalers, tunnel } = parts
    const { drainMs } = this.options.timeouts
    const keeps =
      this.options.onExit === 'keep' ? [...apps].reduce((sum, app) => sum + app.instances.size, 0) : 0
    this.#config.onEvent({ type: 'draining', keeps })
    shared.isDraining = true
    for (const app of apps) app.refuseHeld()
    shared.lost.giveUpAll()
    await Promise.race([Promise.all([clients.drain(), tcp.drain()]), after(drainMs)])
    clients.destroy()
    tcp.destroy()
    await Promise.race([apps.retired(), after(drainMs + STOP_GRACE_MS)])
    if (this.options.onExit !== 'keep') await scalers.removeAll(drainMs + STOP_GRACE_MS)
    await Promise.race([tunnel.goodbye('edge/stopping', 'the edge is stopping'), after(GOODBYE_MS)])
    await this.#close()
  }

  async #close(): Promise<void> {
    const parts = this.#parts
    if (parts !== null) {
      parts.reporter.close()
      for (const app of parts.apps) app.close()
      parts.clients.destroy()
      parts.tcp.destroy()
      parts.tunnel.close()
      parts.admin.close()
      await parts.scalers.close()
    }
    this.#wheel.close()
  }
}

/** Read anew each time, for a reload may change them. */
function totalLimits(options: () => EdgeOptions) {
  return {
    get maxHeld() {
      return options().limits.held
    },
    get maxHeldBytes() {
      return options().limits.heldBytes
    },
  }
}

async function openAdmin(server: Server, bind: string, onError: (error: Error) => void): Promise<Bound> {
  const address = await listen(server, bind, onError)
  const close = () => {
    // Whoever is being answered, perhaps about this very change, gets the answer.
    server.close()
    server.closeIdleConnections()
  }
  return { address, close }
}

function after(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref()
  })
}
