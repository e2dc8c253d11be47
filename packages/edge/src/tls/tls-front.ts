import type { Socket } from 'node:net'
import { createServer, type Server, type TLSSocket, type TlsOptions } from 'node:tls'
import { assert } from '@brxy/protocol'
import { MIN_VERSION } from './certificate.ts'
import { ServerNames } from './server-names.ts'
import type { TlsSettings } from './settings.ts'

export interface TlsFrontHandler {
  /**
   * A handshake succeeded.
   * @param tcp what accept() was given; null if this Node does not tell
   */
  onSecure(socket: TLSSocket, tcp: Socket | null): void
  /** What somebody is answered who speaks HTTP without TLS: a whole response. */
  readonly plainAnswer: Buffer
  /** What is spoken behind it, by preference (ALPN, RFC 7301); `alpnProtocol` of a socket says what was agreed. */
  readonly protocols: readonly string[]
}

/**
 * TLS as a server: TCP connections in, encrypted ones out. It never listens, so one takes another's place while the port
 * stays open: handshakes go on with the certificates that they began with, and no session ticket outlives a reload.
 */
export class TlsFront {
  readonly #server: Server
  readonly #handler: TlsFrontHandler

  constructor({ certificates, clientCa, handshakeMs }: TlsSettings, handler: TlsFrontHandler) {
    this.#handler = handler
    const [{ cert, key }] = certificates
    const options: TlsOptions = {
      cert,
      key,
      minVersion: MIN_VERSION,
      ALPNProtocols: [...handler.protocols],
      handshakeTimeout: handshakeMs,
    }
    if (certificates.length > 1) {
      const contexts = new ServerNames(certificates.map(({ names, context }) => ({ names, value: context })))
      options.SNICallback = (name, choose) => choose(null, contexts.find(name))
    }
    if (clientCa !== null) {
      // The contexts above know no client CA.
      assert(certificates.length === 1, 'a client CA goes with one certificate')
      // Not rejected by Node, which would hang up without a word: `authorized` of the socket says it.
      Object.assign(options, { ca: clientCa, requestCert: true, rejectUnauthorized: false })
    }
    this.#server = createServer(options)
    this.#server.on('secureConnection', (socket) => this.#onSecure(socket))
    this.#server.on('tlsClientError', (error, socket) => this.#onFailed(error, socket))
  }

  /**
   * Begins a handshake. It succeeds within its time limit, or the connection is cut.
   * @param tcp what was read of it already and put back (unshift) comes first
   */
  accept(tcp: Socket): void {
    this.#server.emit('connection', tcp)
  }

  #onSecure(socket: TLSSocket): void {
    const tcp = tcpOf(socket)
    // Node's own throws for TLS (ERR_INVALID_HANDLE_TYPE). Without RST a response that was cut looks complete to clients
    // that do not insist on close_notify (RFC 8446 6.1), and many do not.
    socket.resetAndDestroy = () => {
      if (tcp === null) return socket.destroy()
      tcp.resetAndDestroy()
      return socket
    }
    this.#handler.onSecure(socket, tcp)
  }

  #onFailed(error: NodeJS.ErrnoException, socket: TLSSocket): void {
    // TLS has not written anything yet.
    if (error.code === 'ERR_SSL_HTTP_REQUEST') tcpOf(socket)?.end(this.#handler.plainAnswer)
    socket.destroy()
  }
}

/** The connection under TLS. Node has no public name for it; without this one it is done without. */
function tcpOf(socket: TLSSocket): Socket | null {
  return (socket as { readonly _parent?: Socket })._parent ?? null
}
