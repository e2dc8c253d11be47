import { Head, ResponseHead } from '@brxy/http1'
import { SocketWriter, type TimerWheel } from '@brxy/protocol/transport'
import type { App } from '../app.ts'
import type { ClientErrorCode } from '../error.ts'
import type { EdgeEvent } from '../event.ts'
import type { EdgeOptions } from '../options.ts'
import { HttpDate } from './http-date.ts'

/** Where a request goes. */
export interface Router {
  /** The app for a host key (lower case, no port), or why there is none. */
  route(hostKey: string): App | ClientErrorCode
}

/**
 * What all client connections of an edge share. The head views and the writer are used by one connection at a
 * time, inside one synchronous call; so one of each is enough for all.
 */
export class Shared {
  readonly options: EdgeOptions
  readonly router: Router
  readonly wheel: TimerWheel
  readonly emit: (event: EdgeEvent) => void
  readonly writer = new SocketWriter()
  readonly responseHead = new ResponseHead()
  readonly trailers = new Head()
  readonly date: HttpDate
  /** Whether an event is made for each request. */
  wantsRequests = false
  isDraining = false
  #arrivals = 0

  constructor(options: EdgeOptions, router: Router, wheel: TimerWheel, emit: (event: EdgeEvent) => void) {
    this.options = options
    this.router = router
    this.wheel = wheel
    this.emit = emit
    this.date = new HttpDate(wheel.now)
  }

  nextArrival(): number {
    return ++this.#arrivals
  }
}
