import type { Socket } from 'node:net'
import type { Arrival, Stream } from '@brxy/protocol'
import type { App } from '../app.ts'
import type { ClientErrorCode } from '../error.ts'
import type { Instance } from '../tunnel/instance.ts'
import { Exchange } from './exchange.ts'
import { type OpaqueOwner, OpaqueRelay } from './opaque-relay.ts'
import { confirmEnd, cut, keepOpen } from './opaque-socket.ts'
import type { Peer } from './peer.ts'
import { Replay } from './replay.ts'
import type { Shared } from './shared.ts'

/**
 * One connection of a TCP app's client, which is one request: held until an instance has a slot, then carried as it is,
 * until both sides have ended it. A client that cannot be served is reset, for there is no other way to tell it; the
 * reason is in the event.
 *
 * While it is held its first bytes wait here, up to the bound for bodies (`limits.heldBodyBytes`), beyond which the
 * socket is not read. A client that ends before it has sent anything has left, as a probe does; one that has sent
 * something and ended its direction may wait for the answer. A probe of a proxy in front that says so (PROXY, LOCAL) is
 * passive: it wakes nobody, and finds the port open.
 */
export class TcpExchange extends Exchange implements OpaqueOwner {
  readonly isPassive: boolean
  readonly #socket: Socket
  readonly #peer: Peer
  readonly #place: { readonly target: string }
  readonly #replay = new Replay()
  /** null while it is held. */
  #relay: OpaqueRelay | null = null
  #stream: Stream | null = null
  #clientEnded = false
  /** Its tunnel died, and the linker may yet say that it never had it. */
  #isLost = false
  #isDone = false

  /**
   * @param socket with `allowHalfOpen`, of which nothing was read but a PROXY header
   * @param peer whose it is
   * @param place where the client connected
   * @param onClosed when the socket is closed, after the exchange is over
   */
  constructor(
    socket: Socket,
    peer: Peer,
    app: App,
    shared: Shared,
    place: { readonly target: string },
    onClosed: (exchange: TcpExchange) => void,
  ) {
    super(app, shared, shared.wheel.now())
    this.#socket = socket
    this.#peer = peer
    this.isPassive = peer.isProbe
    this.#place = place
    this.occupy(0)
    keepOpen(socket)
    socket.on('data', (data) => this.#onData(data))
    socket.on('end', () => confirmEnd(socket, () => this.#onEnd()))
    socket.on('error', () => {})
    socket.on('close', () => {
      if (this.#relay === null) this.#leave()
      else this.#relay.onClientClosed()
      onClosed(this)
    })
  }

  /** The edge stops: nothing is waited for. */
  destroy(): void {
    if (this.#relay === null) this.fail('edge/draining')
    else this.#relay.abort('edge/draining')
  }

  /** The port is open, and that is all a probe is told. */
  override answerAsleep(): void {
    if (this.#isDone || this.#relay !== null) return
    this.#isDone = true
    this.endWaiting()
    this.#report(null)
    this.#socket.destroySoon()
  }

  protected start(instance: Instance): void {
    const relay = new OpaqueRelay(this.#socket, this.shared, this)
    const stream = instance.openTcp(relay, this.#peer, this.isPassive)
    relay.carry(stream)
    this.#relay = relay
    this.#stream = stream
    if (this.#replay.writeTo(stream)) this.#socket.resume()
    else this.#socket.pause()
    if (this.#clientEnded) stream.end()
  }

  protected fail(code: ClientErrorCode): void {
    if (this.#isDone) return
    this.#isDone = true
    this.endWaiting()
    this.#report(code)
    cut(this.#socket)
  }

  // --- from the client ---

  #onData(data: Buffer): void {
    const stream = this.#stream
    if (this.#isDone) return
    if (stream === null) return this.#hold(data)
    // A linker that has said anything does not refuse any more.
    if (stream.answered) this.#replay.drop()
    else this.#replay.keep(data, 0, data.length)
    this.#relay?.onClientData(data)
  }

  #hold(data: Buffer): void {
    if (!this.#isLost && !this.grow(data.length)) return this.fail('edge/hold-full')
    this.#replay.keep(data, 0, data.length)
    this.#readIfRoom()
  }

  #onEnd(): void {
    this.#clientEnded = true
    if (this.#stream !== null) this.#stream.end()
    else if (this.#replay.bytes === 0) this.#leave()
  }

  /** The client is gone while it waits. */
  #leave(): void {
    if (this.#isDone) return
    this.#isDone = true
    this.endWaiting()
    this.#report('client gone')
    this.#socket.destroy()
  }

  // --- from the relay (OpaqueOwner) ---

  onAnswered(): void {
    this.#replay.drop()
    this.instance?.served()
  }

  onOver(error: string | null): void {
    this.#isDone = true
    if (error === null) this.instance?.served()
    this.#report(error)
  }

  onRefused(): void {
    const isInTime = this.startOver()
    this.#relay = null
    this.#stream = null
    this.occupy(this.#replay.bytes)
    if (!isInTime) return this.fail('edge/hold-timeout')
    this.#readIfRoom()
    this.resubmit()
  }

  onLost(arrival: Arrival): boolean {
    if (this.instance !== null) this.app.lost(this.instance)
    const next = this.afterLoss(arrival, this.#stream as Stream, false)
    if (next === 'over') return false
    if (next === 'again') {
      this.onRefused()
      return true
    }
    this.#isLost = true
    this.#relay = null
    this.#stream = null
    this.#readIfRoom()
    return true
  }

  // --- from LostRequests ---

  override onNeverReceived(): void {
    if (!this.#isLost || this.#isDone) return
    this.#isLost = false
    this.onRefused()
  }

  override onGivenUp(): void {
    if (this.#isLost && !this.#isDone) this.fail('edge/tunnel-lost')
  }

  // ---

  #readIfRoom(): void {
    if (this.#replay.bytes >= this.shared.options.limits.heldBodyBytes) this.#socket.pause()
    else this.#socket.resume()
  }

  #report(error: string | null): void {
    this.tell('TCP', this.#place, this.instance?.label ?? null, error)
  }
}
