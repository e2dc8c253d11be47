import type { Chronicle, Outcome } from '../chronicle.ts'
import { SimProcess } from '../machine/process.ts'
import type { World } from '../machine/world.ts'
import { connect, type SimSocket } from '../node/socket.ts'
import type { RequestPlan } from '../scenario/scenario.ts'
import { bodyOf } from './body.ts'
import { MessageReader } from './message-reader.ts'

/** A connection that was idle for longer is not used again: the edge may be closing it. */
const MAX_IDLE_MS = 30_000
/** Pieces that an upload is sent in. */
const PIECES = 3

export interface ClientEnvironment {
  readonly world: World
  readonly chronicle: Chronicle
  /** Where the edge is that a request is for. */
  readonly hostOf: (edge: number) => string
  readonly port: number
}

/** A client: sends its requests one after another, on one connection as long as that is possible. */
export class Client {
  readonly #env: ClientEnvironment
  readonly #process: SimProcess
  readonly #plans: RequestPlan[]
  #socket: SimSocket | null = null
  #reader: MessageReader | null = null
  #current: RequestPlan | null = null
  #connectedTo = -1
  #received = 0
  #status = 0
  #code: string | null = null
  #closes = false
  #idleSinceMs = 0

  constructor(number: number, plans: readonly RequestPlan[], env: ClientEnvironment) {
    this.#env = env
    this.#plans = [...plans].sort((a, b) => a.atMs - b.atMs)
    this.#process = new SimProcess(`client-${number}`, `10.9.0.${number}`)
    this.#awaitNext()
  }

  /** Requests that have not ended, also those whose time has not come. */
  get open(): number {
    return this.#plans.length + (this.#current === null ? 0 : 1)
  }

  #awaitNext(): void {
    const plan = this.#plans[0]
    if (plan === undefined) return
    this.#env.world.at(plan.atMs, this.#process, 'request', () => {
      this.#plans.shift()
      this.#send(plan)
    })
  }

  #send(plan: RequestPlan): void {
    const { world, chronicle, hostOf, port } = this.#env
    this.#current = plan
    chronicle.sent(plan, world.nowMs)
    world.note(this.#process.name, () => `${plan.method} ${plan.app}/${plan.id}, ${plan.bodyBytes} bytes`)
    this.#received = 0
    if (plan.leaveAfterMs >= 0)
      world.after(plan.leaveAfterMs, this.#process, 'leave', () => this.#leave(plan))
    if (
      world.nowMs - this.#idleSinceMs > MAX_IDLE_MS ||
      this.#socket === null ||
      this.#socket.destroyed ||
      this.#closes ||
      this.#connectedTo !== plan.edge
    ) {
      this.#socket?.destroy()
      this.#connect(hostOf(plan.edge), port)
      this.#connectedTo = plan.edge
    }
    this.#write(plan)
  }

  #connect(host: string, port: number): void {
    const socket = connect({ host, port })
    this.#socket = socket
    this.#closes = false
    this.#reader = new MessageReader(true, {
      onHead: (startLine, fields) => this.#onHead(startLine, fields),
      onBody: (bytes) => this.#onBody(bytes),
      onEnd: () => this.#onResponse(),
    })
    const reader = this.#reader
    let isConnected = false
    socket.on('connect', () => {
      isConnected = true
    })
    socket.on('error', () => {})
    socket.on('data', (bytes: Buffer) => {
      if (this.#socket === socket) reader.push(bytes)
    })
    socket.on('end', () => {
      if (this.#socket === socket && reader.end() && this.#current === null) this.#closes = true
    })
    socket.on('close', () => {
      if (this.#socket !== socket) return
      this.#socket = null
      if (this.#current === null) return
      this.#end(isConnected ? { kind: 'aborted', hadHead: this.#status !== 0 } : { kind: 'unreachable' })
    })
  }

  #write(plan: RequestPlan): void {
    const socket = this.#socket as SimSocket
    const framing =
      plan.bodyBytes === 0
        ? plan.method === 'POST' || plan.method === 'PUT'
          ? 'Content-Length: 0\r\n'
          : ''
        : plan.isChunked
          ? 'Transfer-Encoding: chunked\r\n'
          : `Content-Length: ${plan.bodyBytes}\r\n`
    socket.write(
      `${plan.method} /${plan.isUrgent ? 'urgent' : 'r'}/${plan.id} HTTP/1.1\r\nHost: ${plan.app}\r\n${framing}\r\n`,
    )
    if (plan.bodyBytes > 0) this.#upload(plan, socket, bodyOf(plan.id, false, plan.bodyBytes))
  }

  #upload(plan: RequestPlan, socket: SimSocket, body: Buffer): void {
    const pieceBytes = Math.ceil(body.length / PIECES)
    const record = this.#env.chronicle.of(plan.id)
    let at = 0
    const next = () => {
      if (socket.destroyed || this.#current !== plan) return
      const piece = body.subarray(at, at + pieceBytes)
      at += piece.length
      const isLast = at >= body.length
      if (isLast) record.isUploaded = true
      const bytes = plan.isChunked
        ? Buffer.concat([
            Buffer.from(`${piece.length.toString(16)}\r\n`),
            piece,
            Buffer.from(isLast ? '\r\n0\r\n\r\n' : '\r\n'),
          ])
        : piece
      socket.write(bytes, () => {
        if (!isLast) this.#env.world.after(plan.uploadPauseMs, this.#process, 'upload', next)
      })
    }
    next()
  }

  #onHead(startLine: string, fields: ReadonlyMap<string, string>): 'fields' | 'none' {
    const plan = this.#current
    if (plan === null) {
      this.#env.chronicle.violated('one outcome', `a response that nobody asked for: ${startLine}`)
      return 'fields'
    }
    const status = Number(startLine.split(' ')[1])
    if (status < 200) return 'fields'
    this.#status = status
    this.#code = /details="([^"]*)"/.exec(fields.get('proxy-status') ?? '')?.[1] ?? null
    if (fields.get('connection') === 'close') this.#closes = true
    const echoed = fields.get('x-request')
    if (this.#code === null && echoed !== `${plan.id}`)
      this.#env.chronicle.violated('a prefix', `request ${plan.id} got the answer to ${echoed}`)
    if (plan.dawdleMs > 0 && this.#socket !== null) this.#dawdle(this.#socket, plan.dawdleMs)
    return plan.method === 'HEAD' ? 'none' : 'fields'
  }

  #dawdle(socket: SimSocket, ms: number): void {
    socket.pause()
    this.#env.chronicle.count('client: dawdles')
    this.#env.world.after(ms, this.#process, 'reads on', () => {
      if (!socket.destroyed) socket.resume()
    })
  }

  #onBody(bytes: Buffer): void {
    const plan = this.#current
    if (plan === null || this.#code !== null) return
    this.#env.chronicle.delivered(plan, this.#received, bytes)
    this.#received += bytes.length
  }

  /** A whole response has come. */
  #onResponse(): void {
    const plan = this.#current
    // Behind an interim head nothing is over.
    if (plan === null || this.#status === 0) return
    const expected = plan.method === 'HEAD' ? 0 : plan.responseBytes
    if (this.#code === null && this.#received !== expected) {
      const message = `request ${plan.id}: ${this.#received} of ${expected} bytes look like a complete response`
      this.#env.chronicle.violated('complete only with END', message)
    }
    if (!this.#env.chronicle.of(plan.id).isUploaded) this.#closes = true
    this.#end({ kind: 'answered', status: this.#status, code: this.#code })
  }

  #leave(plan: RequestPlan): void {
    if (this.#current !== plan) return
    this.#env.chronicle.caused('client left', this.#env.world.nowMs)
    const socket = this.#socket
    this.#socket = null
    if (plan.id % 2 === 0) socket?.resetAndDestroy()
    else socket?.destroy()
    this.#end({ kind: 'left' })
  }

  #end(outcome: Outcome): void {
    const { chronicle, world } = this.#env
    const { id } = this.#current as RequestPlan
    const text = outcome.kind === 'answered' ? `${outcome.status} ${outcome.code ?? ''}` : outcome.kind
    world.note(this.#process.name, () => `${id}: ${text}`)
    this.#idleSinceMs = world.nowMs
    this.#current = null
    this.#status = 0
    this.#code = null
    chronicle.ended(id, outcome, world.nowMs)
    this.#awaitNext()
  }
}
