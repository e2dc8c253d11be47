import type { SimProcess } from '../machine/process.ts'
import type { World } from '../machine/world.ts'
import { Endpoint } from './endpoint.ts'
import { Pipe, type PipeProfile } from './pipe.ts'

export interface NetworkProfile extends PipeProfile {
  /** Bytes that the kernels hold for one direction of a connection. */
  readonly minBufferBytes: number
  readonly maxBufferBytes: number
}

/** Within a machine bytes take no time to speak of. */
const LOOPBACK: PipeProfile = { minDelayMs: 0.005, maxDelayMs: 0.1, fragments: 0.02 }

/** A port that somebody listens at. */
export interface Listener {
  readonly process: SimProcess
  readonly address: string
  readonly accept: (endpoint: Endpoint) => void
}

/** Who connects. Called while its process runs. */
export interface Dialer {
  readonly process: SimProcess
  readonly isGivenUp: boolean
  onConnected(endpoint: Endpoint): void
  onRefused(): void
}

/** A connection, as the one who watches sees it. */
export interface Connection {
  readonly number: number
  /** Who connected, and to whom. */
  readonly near: Endpoint
  readonly far: Endpoint
  /** `10.0.0.1:9080`. */
  readonly address: string
}

/** Hosts with processes that listen and connect; connections that can be cut, silenced, and hosts that cannot reach each other. */
export class Network {
  readonly #world: World
  readonly #profile: NetworkProfile
  readonly #listeners = new Map<string, Listener>()
  readonly #connections = new Set<Connection>()
  readonly #partitions = new Set<Partition>()
  #count = 0
  /** Told who tries to connect, and to which address, whatever comes of it. */
  onDial: ((process: SimProcess, address: string) => void) | null = null
  /** Told of each connection when it is made. */
  onConnection: ((connection: Connection) => void) | null = null

  constructor(world: World, profile: NetworkProfile) {
    this.#world = world
    this.#profile = profile
  }

  /** Those of which both ends are in use. */
  *connections(): Iterable<Connection> {
    for (const connection of this.#connections) {
      if (connection.near.isClosed && connection.far.isClosed) this.#connections.delete(connection)
      else if (!connection.near.isClosed && !connection.far.isClosed) yield connection
    }
  }

  /** @returns null if the address is taken */
  listen(process: SimProcess, address: string, accept: (endpoint: Endpoint) => void): Listener | null {
    if (this.#listeners.has(address)) return null
    const listener = { process, address, accept }
    this.#listeners.set(address, listener)
    process.listeners.add(listener)
    return listener
  }

  close(listener: Listener): void {
    if (this.#listeners.get(listener.address) === listener) this.#listeners.delete(listener.address)
    listener.process.listeners.delete(listener)
  }

  /** Connects; one of the dialer's methods is called once, unless nobody can be reached, or it has given up. */
  dial(dialer: Dialer, host: string, port: number): void {
    const { process } = dialer
    const address = `${host}:${port}`
    this.onDial?.(process, address)
    const profile = this.#profileOf(process.host, host)
    for (const partition of this.#partitions) {
      if (partition.separates(process.host, host)) {
        // The kernel asks again and again.
        partition.waiting.push(() => this.dial(dialer, host, port))
        return
      }
    }
    const random = this.#world.randomOf(`${process.name} dials`)
    const delay = () => profile.minDelayMs + random.next() * (profile.maxDelayMs - profile.minDelayMs)
    this.#world.at(this.#world.nowMs + delay(), null, 'syn', () => {
      if (dialer.isGivenUp || !process.isAlive) return
      const listener = this.#listeners.get(address)
      const answerMs = this.#world.nowMs + delay()
      if (listener === undefined) {
        this.#world.at(answerMs, process, 'refused', () => {
          if (!dialer.isGivenUp) dialer.onRefused()
        })
        return
      }
      const { near, far } = this.#connect(process, listener, profile)
      this.#world.at(this.#world.nowMs, listener.process, 'accept', () => listener.accept(far))
      this.#world.at(answerMs, process, 'connected', () => {
        if (dialer.isGivenUp) near.reset()
        else dialer.onConnected(near)
      })
    })
  }

  #connect(process: SimProcess, { process: server, address }: Listener, profile: PipeProfile): Connection {
    const { minBufferBytes, maxBufferBytes } = this.#profile
    const random = this.#world.randomOf(`${process.name} dials`)
    const bufferBytes = random.spread(minBufferBytes, maxBufferBytes)
    const near = new Endpoint(this.#world, process, bufferBytes)
    const far = new Endpoint(this.#world, server, bufferBytes)
    near.connect(new Pipe(this.#world, near, far, profile))
    far.connect(new Pipe(this.#world, far, near, profile))
    const connection = { number: ++this.#count, near, far, address }
    this.#connections.add(connection)
    this.onConnection?.(connection)
    return connection
  }

  /** These hosts and all others cannot reach each other from now on. */
  separate(hosts: ReadonlySet<string>): Partition {
    const partition = new Partition(hosts)
    for (const { near, far } of this.#connections) {
      if (partition.separates(near.process.host, far.process.host)) partition.block(near.pipe, far.pipe)
    }
    this.#partitions.add(partition)
    return partition
  }

  heal(partition: Partition): void {
    this.#partitions.delete(partition)
    partition.heal()
  }

  #profileOf(from: string, to: string): PipeProfile {
    return from === to ? LOOPBACK : this.#profile
  }
}

/** Hosts that others cannot reach, for a while. */
export class Partition {
  /** What is to be tried again when it is healed. */
  readonly waiting: (() => void)[] = []
  readonly #hosts: ReadonlySet<string>
  readonly #pipes: Pipe[] = []

  constructor(hosts: ReadonlySet<string>) {
    this.#hosts = hosts
  }

  separates(one: string, other: string): boolean {
    return this.#hosts.has(one) !== this.#hosts.has(other)
  }

  block(...pipes: Pipe[]): void {
    for (const pipe of pipes) pipe.block()
    this.#pipes.push(...pipes)
  }

  heal(): void {
    for (const pipe of this.#pipes) pipe.unblock()
    for (const again of this.waiting.splice(0)) again()
  }
}
