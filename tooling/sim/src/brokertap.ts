/** A request as the broker of an edge is handed it. */
export interface TappedRequest {
  readonly arrival: number
  readonly priorityMs: number
  readonly isPassive: boolean
  readonly avoid: TappedPuller | null
}

/** A session that may be given requests. */
export interface TappedPuller {
  readonly order: number
  readonly grants: number
  readonly isEligible: boolean
}

/** Told of what goes into the brokers of all edges, and what comes out, in order. A broker is known by its identity. */
export interface BrokerListener {
  /** It waits from now on, for the first time or again. */
  waits(broker: object, request: TappedRequest): void
  /** It waits no longer: its client has gone, its time is over, or there is no room for it. */
  withdrawn(broker: object, request: TappedRequest): void
  /** The session lends grants to this broker. */
  lends(broker: object, puller: TappedPuller): void
  /** The request goes to the session, whose grant is spent. */
  dispatched(broker: object, request: TappedRequest, puller: TappedPuller): void
}

interface RealBroker {
  submit(request: TappedRequest): 'dispatched' | 'held' | 'full'
  resubmit(request: TappedRequest): void
  withdraw(request: TappedRequest): void
  granted(puller: TappedPuller, count: number): void
}

interface RealExchange extends TappedRequest {
  readonly app: { readonly broker: object }
  dispatchTo(puller: TappedPuller, nowMs: number): void
}

/** There is one world at a time. */
let listener: BrokerListener | null = null

/** Whoever is told from now on; the one before hears no more. */
export function tapBrokers(next: BrokerListener): void {
  listener = next
}

// The real classes, as they are built. They are none of the package's exports.
const built = (name: string) => new URL(`../../../packages/edge/dist/${name}.js`, import.meta.url).href
const [{ Broker }, { Exchange }] = await Promise.all([
  import(built('broker')),
  import(built('forward/exchange')),
])
listenTo(Broker.prototype, Exchange.prototype)

/** Puts an ear before each method; what the methods do is theirs. */
function listenTo(broker: RealBroker, exchange: RealExchange): void {
  const { submit, resubmit, withdraw, granted } = broker
  const { dispatchTo } = exchange
  broker.submit = function (request) {
    listener?.waits(this, request)
    const result = submit.call(this, request)
    if (result === 'full') listener?.withdrawn(this, request)
    return result
  }
  broker.resubmit = function (request) {
    listener?.waits(this, request)
    resubmit.call(this, request)
  }
  broker.withdraw = function (request) {
    listener?.withdrawn(this, request)
    withdraw.call(this, request)
  }
  broker.granted = function (puller, count) {
    listener?.lends(this, puller)
    granted.call(this, puller, count)
  }
  exchange.dispatchTo = function (puller, nowMs) {
    listener?.dispatched(this.app.broker, this, puller)
    dispatchTo.call(this, puller, nowMs)
  }
}
