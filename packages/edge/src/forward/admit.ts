import { BODY_NONE, type RequestHead } from '@brxy/http1'
import { CLIENT_ERRORS } from '../error.ts'
import type { ErrorPages } from './error-pages.ts'
import type { HttpClient } from './http-client.ts'
import { HttpExchange } from './http-exchange.ts'
import { maxForwards, takeHop } from './max-forwards.ts'

/** Why a request gets no exchange, and how it is told. */
export class Refusal {
  readonly code: string
  readonly status: number
  /** What follows on the connection cannot be told from the rest of this request. */
  readonly close: boolean
  readonly pages: ErrorPages | null

  constructor(code: string, status: number, close: boolean, pages: ErrorPages | null) {
    this.code = code
    this.status = status
    this.close = close
    this.pages = pages
  }
}

/** A request that ends here, and not because anything is wrong with it. Its answer has no content. */
export class OwnAnswer {
  readonly status: number
  /** As in a Refusal. */
  readonly close: boolean

  constructor(status: number, close: boolean) {
    this.status = status
    this.close = close
  }
}

/** What becomes of a request: finds its app, and writes its canonical head to the client's. */
export function admit(connection: HttpClient, head: RequestHead): HttpExchange | Refusal | OwnAnswer {
  const { shared } = connection
  const match = shared.router.match(head)
  const settings = match === null ? null : match.target
  const pages = settings === null ? shared.errorPages : settings.errorPages
  // First, for what the application is not to see of the path is taken off when the head is written.
  const passive = settings === null || settings.passive === null ? null : settings.passive.find(head)
  const stripped = match?.strip === true ? match.prefix : ''
  const hops = maxForwards(head)
  const more = hops === null || hops < 1 ? null : takeHop(head, hops)
  if (!connection.head.write(head, stripped, more))
    return new Refusal('http1/head-too-large', 431, true, pages)
  // Only an HTTP/1.0 client may leave it out, and no app is the default one.
  if (head.hostKey === '') return new Refusal('http1/missing-host', 400, true, pages)
  if (hops === -1) {
    const code = 'edge/bad-max-forwards'
    return new Refusal(code, CLIENT_ERRORS[code].status, true, pages)
  }
  const hasBody = head.bodyKind !== BODY_NONE
  const app = shared.isDraining
    ? 'edge/draining'
    : connection.head.isLoop(head)
      ? 'edge/loop'
      : match === null
        ? 'edge/no-app'
        : hops === 0
          ? null
          : shared.router.app(match, head.hostKey)
  // RFC 9110 7.6.2: the last recipient. No Allow: what the application allows is not known here.
  if (app === null) return new OwnAnswer(200, hasBody)
  // Before the application hears of it, and before a client that waits for 100 (Continue) sends any of it.
  const maxBodyBytes = settings?.options.maxBodyBytes ?? 0
  if (maxBodyBytes > 0 && head.bodyLength > maxBodyBytes)
    return new Refusal('edge/body-too-large', CLIENT_ERRORS['edge/body-too-large'].status, true, pages)
  if (typeof app !== 'string') {
    return new HttpExchange(connection, app, head, passive, match?.priorityMs ?? 0, shared.wheel.now())
  }
  return new Refusal(app, CLIENT_ERRORS[app].status, hasBody, pages)
}
