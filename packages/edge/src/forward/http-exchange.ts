import {
  encodeFields,
  type Head,
  Http1Error,
  parseCanonicalFields,
  type RequestHead,
  type ResponseHead,
} from '@brxy/http1'
import {
  type Arrival,
  BODY_KNOWN,
  BODY_NONE,
  BODY_UNKNOWN,
  type BodyKind,
  OPEN_PASSIVE,
  OPEN_UPGRADE,
  RESET,
  type Stream,
  type StreamHandler,
} from '@brxy/protocol'
import type { App } from '../app.ts'
import type { ClientErrorCode } from '../error.ts'
import { isSafe } from '../hold/after-loss.ts'
import type { Instance } from '../tunnel/instance.ts'
import { pauseReading, readWhileHeld, resumeReading } from './client-reading.ts'
import { Exchange } from './exchange.ts'
import { ExchangeDeadlines } from './exchange-deadlines.ts'
import type { HttpClient } from './http-client.ts'
import { isSwitchFor, parseAnswer, resetError } from './instance-answer.ts'
import type { Outlet } from './outlet.ts'
import type { PassiveAnswer } from './passive.ts'
import { Replay } from './replay.ts'

/** Failures of an app that its fallback stands in for. Whatever else fails is the fault of the request, or of the edge. */
const FALLBACK_CODES: ReadonlySet<ClientErrorCode> = new Set([
  'edge/cannot-start',
  'edge/hold-full',
  'edge/hold-timeout',
])

/** Why an exchange failed. */
interface Failure {
  readonly code: ClientErrorCode
  readonly detail: string | undefined
  readonly retryMs: number | undefined
}

const WAITING = 0
const RUNNING = 1
const RESPONDING = 2
const DONE = 3
/** Its tunnel died, and the linker may yet say that it never had it. */
const LOST = 4

/**
 * One HTTP request and its response: from the client's head to the last byte of the answer. It is held, given to an
 * instance, perhaps given to another one or to the fallback, and relays bodies both ways. An upgrade ends with its 101:
 * from there an OpaqueRelay has the stream.
 */
export class HttpExchange extends Exchange implements StreamHandler {
  readonly method: string
  readonly bodyKind: BodyKind
  readonly bodyLength: number
  /** Protocol that the client asks to switch to; '' for an ordinary request. */
  readonly upgrade: string
  readonly isPassive: boolean
  /** The client has sent the whole request. */
  requestEnded: boolean
  /** When the response head came; 0 before. */
  answeredMs = 0

  readonly #connection: HttpClient
  /** For a passive request: what it is told while no instance is ready. */
  readonly #passive: PassiveAnswer | null
  #expectContinue: boolean
  #outlet: Outlet | null = null
  /** Why it was given to the fallback, which is what the client hears if there is nobody either. */
  #fallbackFor: Failure | null = null
  #state: typeof WAITING | typeof RUNNING | typeof RESPONDING | typeof DONE | typeof LOST = WAITING
  readonly #replay = new Replay()
  readonly #deadlines: ExchangeDeadlines
  #trailers: Buffer | null = null
  #bodyBytes = 0

  /** @param passive for a request that neither wakes the app nor keeps it awake; null for any other */
  constructor(
    connection: HttpClient,
    app: App,
    head: RequestHead,
    passive: PassiveAnswer | null,
    priorityMs: number,
    nowMs: number,
  ) {
    super(app, connection.shared, nowMs, priorityMs)
    this.#connection = connection
    this.#passive = passive
    this.isPassive = passive !== null
    this.method = head.method
    this.bodyKind = head.bodyKind
    this.bodyLength = head.bodyLength
    this.upgrade = head.upgrade
    this.#expectContinue = head.expectContinue
    this.requestEnded = head.bodyKind === BODY_NONE
    this.occupy(connection.head.length)
    const body = this.requestEnded ? 'none' : head.bodyKind === BODY_KNOWN ? 'known' : 'unknown'
    this.#deadlines = new ExchangeDeadlines(app.settings.options, body, head.expectContinue, nowMs)
    connection.wakeAt(this.#deadlines.dueMs)
  }

  protected start(instance: Instance, nowMs: number): void {
    const { bodyKind, bodyLength, upgrade } = this
    const { head, peer } = this.#connection
    const isUpgrade = upgrade !== ''
    const bits = (this.isPassive ? OPEN_PASSIVE : 0) | (isUpgrade ? OPEN_UPGRADE : 0)
    const body = isUpgrade ? BODY_UNKNOWN : bodyKind
    this.#send(instance.open(this, peer, body, bodyLength, bits, head.buffer, head.length), nowMs)
  }

  #send(outlet: Outlet, nowMs: number): void {
    this.#state = RUNNING
    this.#outlet = outlet
    this.#deadlines.given(nowMs)
    if (this.#expectContinue) {
      this.#expectContinue = false
      this.#connection.response.sendContinue()
    }
    const isWritable = this.#replay.writeTo(outlet)
    // What follows the head of an upgrade is for whoever answers 101, and waits at the connection until then.
    if (this.requestEnded && this.upgrade === '') outlet.end(this.#trailers)
    if (isWritable) resumeReading(this.#connection, this.#deadlines, nowMs)
    else pauseReading(this.#connection, this.#deadlines, nowMs)
  }

  /** A passive request waits for nobody to wake: no instance is ready. */
  override answerAsleep(): void {
    const answer = this.#passive
    if (answer === null || this.#state !== WAITING) return
    this.endWaiting()
    this.#state = DONE
    this.#connection.sendPlain(this, answer.status, answer.body)
  }

  // --- from the client ---

  onRequestData(buffer: Buffer, from: number, to: number): void {
    const nowMs = this.shared.wheel.now()
    this.#deadlines.uploaded(to - from, nowMs)
    const { maxBodyBytes } = this.app.settings.options
    this.#bodyBytes += to - from
    if (maxBodyBytes > 0 && this.#bodyBytes > maxBodyBytes) return this.#giveUpBody('edge/body-too-large')
    if (this.#state === WAITING || this.#state === LOST) {
      // A lost one is in no queue; it is read as slowly as if it were.
      if (this.#state === LOST || this.grow(to - from)) {
        this.#replay.keep(buffer, from, to)
        readWhileHeld(this.#connection, this.#deadlines, this.#replay.bytes, to - from, nowMs)
        return
      }
      // Perhaps the fallback gets it, and these bytes with it.
      this.fail('edge/hold-full')
    }
    const outlet = this.#outlet
    if (this.#state === DONE || outlet === null) return
    // Nothing comes back from the fallback into the queue.
    if (!outlet.answered && this.#fallbackFor === null) this.#replay.keep(buffer, from, to)
    else this.#replay.drop()
    if (outlet.localEnd) return
    if (outlet.write(buffer, from, to)) this.#connection.wakeAt(this.#deadlines.dueMs)
    else pauseReading(this.#connection, this.#deadlines, nowMs)
  }

  onRequestTrailers(fields: Head): void {
    const out = Buffer.allocUnsafe(fields.fieldsEnd - fields.fieldsStart)
    this.#trailers = out.subarray(0, encodeFields(fields, out, 0))
  }

  onRequestEnd(): void {
    this.requestEnded = true
    this.#deadlines.uploadEnded()
    if (this.upgrade === '') this.#outlet?.end(this.#trailers)
  }

  /** The client is gone, or sent something that is no HTTP: the request is over, through to the application. */
  cancel(): void {
    if (this.#state === DONE) return
    if (this.#state === LOST) this.shared.lost.withdraw(this)
    this.#state = DONE
    this.app.withdraw(this)
    this.#outlet?.reset(RESET.CANCELLED)
  }

  /** The time has come that it asked to be woken at. */
  onTimeout(): void {
    if (this.#state === DONE) return
    const nowMs = this.shared.wheel.now()
    switch (this.#deadlines.verdict(nowMs)) {
      case 'body':
        return this.#giveUpBody('edge/body-timeout')
      case 'response':
        this.#outlet?.reset(RESET.TIMEOUT)
        return this.fail('edge/response-timeout')
      case 'stream':
        return this.#abort(RESET.TIMEOUT, 'stream idle')
      case 'read on':
        return resumeReading(this.#connection, this.#deadlines, nowMs)
      default:
        this.#connection.wakeAt(this.#deadlines.dueMs)
    }
  }

  /** The client is too slow with its body, or there is too much of it. */
  #giveUpBody(code: ClientErrorCode): void {
    if (this.#state === DONE) return
    if (this.#state === RESPONDING) return this.#abort(RESET.CANCELLED, code)
    if (this.#state === WAITING || this.#state === LOST) this.endWaiting()
    this.#outlet?.reset(RESET.CANCELLED)
    this.#state = DONE
    // Not what the fallback stands in for: it is the client's own doing.
    this.#connection.sendError(this, code)
  }

  /** Some of the response has reached the client, or is on its way. */
  moved(nowMs: number): void {
    if (this.#state === RESPONDING) this.#deadlines.moved(nowMs)
  }

  // --- from the tunnel or the fallback (StreamHandler) ---

  onRefuse(_reason: number): void {
    this.#redispatch()
  }

  onHead(interim: boolean, body: BodyKind, length: number, buffer: Buffer, from: number, to: number): void {
    const head = this.shared.responseHead
    try {
      parseAnswer(head, this.method, this.upgrade !== '', interim, body, buffer, from, to)
    } catch (error) {
      if (!(error instanceof Http1Error)) throw error
      this.#outlet?.reset(RESET.BAD_HEAD)
      this.fail('edge/app-protocol')
      return
    }
    if (head.upgrade) return this.#onSwitch(head)
    if (interim) {
      this.#connection.response.sendInterim(head)
      return
    }
    this.#replay.drop()
    this.#state = RESPONDING
    this.status = head.status
    // An upgrade that was declined: an ordinary response, and nothing more to send.
    if (this.upgrade !== '') this.#outlet?.end(null)
    this.answeredMs = this.shared.wheel.now()
    this.#deadlines.answered(this.answeredMs)
    this.#connection.sendHead(this, head, body, length)
    this.#connection.wakeAt(this.#deadlines.dueMs)
  }

  /** 101: the bytes mean nothing to HTTP from here on, and somebody else carries them. */
  #onSwitch(head: ResponseHead): void {
    // An upgrade has no fallback.
    const stream = this.#outlet as Stream
    if (!isSwitchFor(head, this.upgrade, this.#connection.head)) {
      stream.reset(RESET.BAD_HEAD)
      return this.fail('edge/upgrade-failed')
    }
    this.#state = DONE
    this.status = head.status
    this.instance?.served()
    stream.handler = this.#connection.switchProtocol(this, head, stream)
  }

  onData(buffer: Buffer, from: number, to: number): void {
    this.#connection.response.sendBody(buffer, from, to)
  }

  onTrailers(buffer: Buffer, from: number, to: number): void {
    const fields = this.shared.trailers
    try {
      parseCanonicalFields(buffer, from, to, fields)
    } catch (error) {
      if (!(error instanceof Http1Error)) throw error
      this.#abort(RESET.BAD_HEAD)
      return
    }
    this.#connection.response.sendTrailers(fields)
  }

  onEnd(): void {
    if (this.#state === DONE) return
    this.#state = DONE
    // What is left of the upload, at the client or here, is not wanted any more; and the slot is lent again by now.
    if (this.#outlet?.endSent === false) this.#outlet.reset(RESET.NO_ERROR)
    this.instance?.served()
    this.#connection.sendEnd(this)
  }

  onWritable(): void {
    if (this.#state !== DONE) resumeReading(this.#connection, this.#deadlines, this.shared.wheel.now())
  }

  onReset(code: number): void {
    if (this.#state === RESPONDING) return this.#abort(null)
    this.fail(resetError(code, this.upgrade !== ''))
  }

  onLost(arrival: Arrival): void {
    // Its other streams hear of the end one by one, and the session's owner last.
    if (this.instance !== null) this.app.lost(this.instance)
    if (this.#state === RESPONDING) return this.#abort(null)
    // A fallback has no session that could be lost.
    const next = this.afterLoss(arrival, this.#outlet as Stream, isSafe(this.method))
    if (next === 'again') return this.#redispatch()
    if (next === 'over') return this.fail('edge/tunnel-lost')
    this.#outlet = null
    this.#state = LOST
    this.#readAgain()
  }

  override onNeverReceived(): void {
    if (this.#state === LOST) this.#redispatch()
  }

  override onGivenUp(): void {
    if (this.#state === LOST) this.fail('edge/tunnel-lost')
  }

  /** Bytes of the response reached the client's socket. */
  delivered(bytes: number, nowMs: number): void {
    this.moved(nowMs)
    this.#outlet?.consumed(bytes, nowMs)
  }

  // ---

  #redispatch(): void {
    const isInTime = this.startOver()
    this.#outlet = null
    this.#state = WAITING
    this.occupy(this.#connection.head.length + this.#replay.bytes)
    if (!isInTime) return this.fail('edge/hold-timeout')
    this.resubmit()
    if (this.isHeld) this.#readAgain()
  }

  /** It waits, after it ran. */
  #readAgain(): void {
    readWhileHeld(this.#connection, this.#deadlines, this.#replay.bytes, 0, this.shared.wheel.now())
  }

  protected fail(code: ClientErrorCode, detail?: string, retryMs?: number): void {
    if (this.#state === DONE) return
    const failure = this.#fallbackFor ?? { code, detail, retryMs }
    if (this.#state === WAITING) {
      this.endWaiting()
      if (this.#toFallback(failure)) return
    }
    this.#state = DONE
    this.#connection.sendError(this, failure.code, failure.detail, failure.retryMs)
  }

  /** Probes are to be told how the app itself is, so passive requests have no fallback. @returns false if there is none */
  #toFallback(failure: Failure): boolean {
    const { head } = this.#connection
    // A fallback speaks HTTP and nothing else.
    if (this.upgrade !== '' || this.isPassive || this.shared.isDraining || !FALLBACK_CODES.has(failure.code))
      return false
    const outlet = this.app.openFallback(this, {
      body: this.bodyKind,
      length: this.bodyLength,
      head: head.buffer,
      headLength: head.length,
    })
    if (outlet === null) return false
    this.#fallbackFor = failure
    this.#send(outlet, this.shared.wheel.now())
    return true
  }

  /** For people who watch. @param error a code, or what became of it; null if all went well. */
  report(error: string | null): void {
    const instance = this.#fallbackFor === null ? (this.instance?.label ?? null) : 'fallback'
    this.tell(this.method, this.#connection.head, instance, error)
  }

  /** After the response head only an abort says that the body is not complete. */
  #abort(reset: number | null, error?: string): void {
    if (this.#state === DONE) return
    this.#state = DONE
    if (reset !== null) this.#outlet?.reset(reset)
    this.#connection.abort(this, error)
  }
}
