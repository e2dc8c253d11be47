import type { Socket } from 'node:net'
import { type Addresses, encodeAddresses, formatIp, parseIp } from '@brxy/protocol'

/**
 * Whoever is at the other end of a client connection: the peer of the socket, or the client that a proxy in front named
 * by the PROXY protocol.
 */
export class Peer {
  /** As applications know it: without brackets, `::ffff:10.0.0.1` as `10.0.0.1`; `unknown` if it has gone already. */
  readonly address: string
  /**
   * Whether the fields of its requests may be believed, should `trustedProxies` have its address. Not if the address is
   * that of a proxy which does not say for whom it speaks: a proxy that only passes bytes on vouches for no field.
   */
  readonly canBeTrusted: boolean
  /** Whether a proxy said that it connects for itself, which is to say that it probes. */
  readonly isProbe: boolean
  readonly #ends: () => Addresses | null
  #encoded: Buffer | null = null

  private constructor(
    address: string | undefined,
    ends: () => Addresses | null,
    { canBeTrusted = true, isProbe = false } = {},
  ) {
    this.address = plainAddress(address)
    this.canBeTrusted = canBeTrusted
    this.isProbe = isProbe
    this.#ends = ends
  }

  /** The peer of a connected socket. */
  static of(socket: Socket): Peer {
    // Few linkers want to know more than the address: the rest is asked for when one does.
    return new Peer(socket.remoteAddress, () => endsOf(socket))
  }

  /** The client that a trusted proxy named. */
  static named(addresses: Addresses): Peer {
    return new Peer(canonical(addresses.source), () => addresses)
  }

  /** The same address, for somebody of whom nothing is known but that he came by this peer. */
  asStandIn(): Peer {
    return new Peer(this.address, () => null, { canBeTrusted: false })
  }

  /** The same, on its own behalf. */
  asProbe(): Peer {
    return new Peer(this.address, this.#ends, { isProbe: true })
  }

  /** Its addresses as OPEN has them (brxy.v1, "The addresses of the client"). */
  get encoded(): Buffer {
    this.#encoded ??= encodeAddresses(this.#ends())
    return this.#encoded
  }
}

function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): Addresses | null {
  if (remoteAddress === undefined || localAddress === undefined) return null
  return {
    source: remoteAddress,
    sourcePort: remotePort ?? 0,
    destination: localAddress,
    destinationPort: localPort ?? 0,
  }
}

function plainAddress(address: string | undefined): string {
  if (address === undefined) return 'unknown'
  return address.startsWith('::ffff:') ? address.slice(7) : address
}

/** One address is one text, for whoever compares it: `::ffff:0a00:1` is `::ffff:10.0.0.1`. */
function canonical(address: string): string {
  const bytes = parseIp(address)
  return bytes === null ? address : formatIp(bytes)
}
