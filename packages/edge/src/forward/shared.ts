import { Head, type RequestHead, ResponseHead } from '@brxy/http1'
import { SocketWriter, type TimerWheel } from '@brxy/protocol/transport'
import type { App } from '../app.ts'
import type { ClientErrorCode } from '../error.ts'
import type { EdgeEvent } from '../event.ts'
import type { EdgeOptions } from '../options.ts'
import type { RouteMatch } from '../route/route-table.ts'
import type { AppSettings } from '../settings.ts'
import type { ErrorPages } from './error-pages.ts'
import { Forwarded, type HttpVersion } from './forwarded.ts'
import { HttpDate } from './http-date.ts'
import { LostRequests } from './lost-requests.ts'
import type { Peer } from './peer.ts'
import { TrustedProxies } from './trusted-proxies.ts'

/** Where a request goes. */
export interface Router {
  /** The rule that a request falls under, or null. */
  match(head: RequestHead): RouteMatch<AppSettings> | null
  /** The app of a rule for a host key (lower case, no port), or why there is none. */
  app(match: RouteMatch<AppSettings>, hostKey: string): App | ClientErrorCode
}

/**
 * What all client connections of an edge share. The head views and the writer are used by one connection at a
 * time, inside one synchronous call; so one of each is enough for all.
 */
export class Shared {
  /** Those in force; a reload replaces them. */
  options: EdgeOptions
  /** For errors that belong to no app. */
  errorPages: ErrorPages | null = null
  readonly router: Router
  readonly wheel: TimerWheel
  readonly emit: (event: EdgeEvent) => void
  readonly writer = new SocketWriter()
  readonly responseHead = new ResponseHead()
  readonly trailers = new Head()
  readonly date: HttpDate
  readonly lost: LostRequests
  /** Whether an event is made for each request. */
  wantsRequests = false
  isDraining = false
  readonly #pseudonym: string
  #arrivals = 0

  /** @param edgeId unlike that of any other edge */
  constructor(
    options: EdgeOptions,
    router: Router,
    wheel: TimerWheel,
    emit: (event: EdgeEvent) => void,
    edgeId: string,
  ) {
    this.#pseudonym = `brxy-${edgeId}`
    this.options = options
    this.router = router
    this.wheel = wheel
    this.emit = emit
    this.date = new HttpDate(wheel.now)
    this.lost = new LostRequests(wheel, emit)
  }

  /** Who is believed about the way of a request; a reload replaces it for connections to come. */
  trustedProxies: TrustedProxies = new TrustedProxies([])

  /** What the requests of one connection tell about their way. */
  forwarded(peer: Peer, scheme: 'http' | 'https', version: HttpVersion = '1.1'): Forwarded {
    const { address: peerAddress } = peer
    const isTrusted = peer.canBeTrusted && this.trustedProxies.has(peerAddress)
    return new Forwarded({ peerAddress, scheme, version, isTrusted, pseudonym: this.#pseudonym })
  }

  nextArrival(): number {
    return ++this.#arrivals
  }
}
