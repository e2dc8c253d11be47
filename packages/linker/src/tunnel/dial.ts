import type { IncomingMessage } from 'node:http'
import { isIPv6, type LookupFunction, type Socket } from 'node:net'
import type { SecureContext } from 'node:tls'
import { SUBPROTOCOL, TUNNEL_PATH } from '@brxy/protocol'
import { type TimerWheel, WheelTimer } from '@brxy/protocol/transport'
import { WebSocket } from 'ws'
import type { LinkErrorCode } from '../error.ts'
import { needsNoMask } from './edge-address.ts'
import { handshakeRequest } from './handshake-request.ts'
import { explainTlsFailure } from './tls-failure.ts'

const MAX_MESSAGE_BYTES = 1024 * 1024
/** Longest time for name resolution and the TCP, TLS and WebSocket handshakes together. */
export const DIAL_MS = 5_000
/** What is kept of an answer that is no upgrade. */
const MAX_REFUSAL_BYTES = 4096
/** What a header can carry and a token consists of (RFC 6750 2.1, generously). */
const TOKEN = /^[\x21-\x7e]*$/
const ZERO_MASK = (mask: Buffer) => mask.fill(0)
/** Heeded by the ws that is bundled with the command (rolldown.config.js); any other asks node:http. */
const OWN_HANDSHAKE = { request: handshakeRequest }

/** Why a dial failed. */
export interface Refusal {
  /** A `link/` code, or the one that the edge gave. */
  readonly code: LinkErrorCode | (string & {})
  readonly message: string
  /** The edge does not accept the token. */
  readonly isToken: boolean
}

/** What a linker shows of itself, and whom it believes. */
export interface DialIdentity {
  /** '': none. */
  readonly token: string
  /** For `wss:`; undefined: the public CAs, and no certificate of its own. */
  readonly tls?: SecureContext | undefined
  /** The file with the CAs, for messages. */
  readonly ca?: string | undefined
}

/** Exactly one of these is called, once, unless the dial is aborted. */
export interface DialHandler {
  /** @param stream the TCP or TLS socket under the WebSocket */
  onOpen(socket: WebSocket, stream: Socket): void
  onFailed(refusal: Refusal): void
}

/** One attempt to open a tunnel's WebSocket. */
export class Dial {
  readonly #handler: DialHandler
  readonly #wheel: TimerWheel
  readonly #socket: WebSocket | null = null
  readonly #timer: WheelTimer
  #isOver = false

  /**
   * Calls nothing before it returns.
   * @param ip where the host is, if its name has been looked up; the name stays what Host and TLS say
   */
  constructor(
    address: URL,
    { token, tls, ca }: DialIdentity,
    wheel: TimerWheel,
    handler: DialHandler,
    dialMs = DIAL_MS,
    ip: string | null = null,
  ) {
    this.#handler = handler
    this.#wheel = wheel
    this.#timer = new WheelTimer(() => this.#fail('link/unreachable', `no answer within ${dialMs} ms`))
    if (!TOKEN.test(token)) {
      process.nextTick(() =>
        this.#fail(
          'link/bad-token',
          'the token has a space, a line end or a character beyond ASCII in it',
          true,
        ),
      )
      return
    }
    const url = new URL(address)
    if (url.pathname === '/') url.pathname = TUNNEL_PATH
    wheel.set(this.#timer, wheel.now() + dialMs)
    const socket = new WebSocket(url, SUBPROTOCOL, {
      headers: token === '' ? {} : { authorization: `Bearer ${token}` },
      ...OWN_HANDSHAKE,
      perMessageDeflate: false,
      maxPayload: MAX_MESSAGE_BYTES,
      ...(needsNoMask(url) ? { generateMask: ZERO_MASK } : {}),
      ...(tls === undefined ? {} : { secureContext: tls }),
      ...(ip === null ? {} : { lookup: always(ip) }),
    })
    this.#socket = socket
    let stream: Socket | null = null
    socket.on('upgrade', (response) => {
      stream = response.socket
    })
    socket.on('open', () => {
      if (!this.#end()) return
      handler.onOpen(socket, stream as unknown as Socket)
    })
    socket.on('unexpected-response', (_request, response) => this.#onRefusal(response))
    socket.on('error', (error) => {
      const failure = explainTlsFailure(error, url, ca)
      if (failure === null) this.#fail('link/unreachable', reasonOf(error))
      else this.#fail('link/tls', failure)
    })
  }

  /** Gives up; nothing is called any more. */
  abort(): void {
    if (this.#end()) this.#socket?.terminate()
  }

  /** An answer instead of an upgrade: an edge says why in JSON, with 401 if it is the token. */
  #onRefusal(response: IncomingMessage): void {
    let text = ''
    const settle = () => {
      const said = parseRefusal(text)
      if (said === null) {
        const hint = `the edge answered ${response.statusCode}; is this the tunnel port of a brxy edge?`
        this.#fail('link/refused', hint, response.statusCode === 401)
      } else this.#fail(said.code, said.message, response.statusCode === 401)
    }
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      text += chunk
      if (text.length > MAX_REFUSAL_BYTES) settle()
    })
    response.on('error', settle)
    response.on('end', settle)
    response.on('close', settle)
  }

  #fail(code: Refusal['code'], message: string, isToken = false): void {
    if (!this.#end()) return
    this.#socket?.terminate()
    this.#handler.onFailed({ code, message, isToken })
  }

  /** @returns false if it was over already. */
  #end(): boolean {
    if (this.#isOver) return false
    this.#isOver = true
    this.#wheel.clear(this.#timer)
    return true
  }
}

/** What net asks for instead of the machine's resolver. */
function always(ip: string): LookupFunction {
  const family = isIPv6(ip) ? 6 : 4
  return (_hostname, { all }, callback) => {
    if (all) callback(null, [{ address: ip, family }])
    else callback(null, ip, family)
  }
}

function parseRefusal(text: string): { code: string; message: string } | null {
  try {
    const { code, message } = JSON.parse(text) as { code?: unknown; message?: unknown }
    return typeof code === 'string' && typeof message === 'string' ? { code, message } : null
  } catch {
    return null
  }
}

/** AggregateError (happy eyeballs) has no text of its own. */
function reasonOf(error: Error): string {
  const inner = (error as AggregateError).errors as Error[] | undefined
  return inner?.[0]?.message ?? error.message
}
